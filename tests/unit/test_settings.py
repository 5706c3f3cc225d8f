from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumer.settings import SettingsError, load_settings, settings_from


def test_the_environment_sets_what_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDSTREAM_STREAM_NAME", "mine")
    monkeypatch.setenv("FRAUDSTREAM_EVENT_TIME_BEFORE", "P30D")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@h/d")
    settings = load_settings()
    assert (settings.stream_name, settings.event_time_before) == ("mine", timedelta(days=30))
    assert settings.dsn() == "postgresql://u:secret@h/d"
    assert "secret" not in repr(settings)


def test_a_wrong_value_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDSTREAM_MAX_RECORDS", "many")
    with pytest.raises(SettingsError, match="max_records"):
        load_settings()


def test_a_missing_ledger_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        load_settings().dsn()


def test_the_local_environment_is_read_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRAUDSTREAM_STREAM_NAME", "other")
    (tmp_path / "local.env").write_text("FRAUDSTREAM_STREAM_NAME='a stream'\nAWS_ENDPOINT_URL=http://127.0.0.1:1\n")
    settings = load_settings(local=True, state_dir=tmp_path)
    assert (settings.stream_name, settings.is_local) == ("a stream", True)


def test_without_a_local_environment_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="fraudstream up"):
        load_settings(local=True, state_dir=tmp_path)


def test_a_start_at_a_moment_needs_the_moment_with_its_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDSTREAM_INITIAL_POSITION", "AT_TIMESTAMP")
    with pytest.raises(SettingsError, match="initial_timestamp: Value error, AT_TIMESTAMP needs"):
        load_settings()
    monkeypatch.setenv("FRAUDSTREAM_INITIAL_TIMESTAMP", "2026-11-21T13:00:00")
    with pytest.raises(SettingsError, match="timezone"):
        load_settings()
    monkeypatch.setenv("FRAUDSTREAM_INITIAL_TIMESTAMP", "2026-11-21T14:00:00.9+01:00")
    assert load_settings().initial_timestamp == datetime(2026, 11, 21, 13, tzinfo=UTC)


def test_the_variables_of_another_process_give_its_settings() -> None:
    given = {
        "FRAUDSTREAM_CHUNK_MAX_ROWS": "7",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "DATABASE_URL": "postgresql://u@h/d",
    }
    settings = settings_from(given)
    assert (settings.chunk_max_rows, settings.is_local, settings.dsn()) == (7, True, "postgresql://u@h/d")
