"""`fraudstream backfill` as a user runs it: exit codes, what is told, and Ctrl-C in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.backfill_builders import HANDBOOK_CSV, HANDBOOK_MAPPING, an_event, write_lines


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "consumer.cli", "backfill", *map(str, arguments)]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*arguments), capture_output=True, text=True, check=False, timeout=120)


def test_a_file_of_other_people_becomes_features_and_decisions(tmp_path: Path) -> None:
    done = _run(HANDBOOK_CSV, "--mapping", HANDBOOK_MAPPING, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "300 events from 2018-04-01T" in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"features.parquet", "decisions.parquet", "backfill.json", "golden.json", "refused.jsonl"}
    assert json.loads((tmp_path / "out" / "backfill.json").read_text())["feature_set"] == "velocity/1"


def test_features_alone_need_no_model(tmp_path: Path) -> None:
    done = _run(HANDBOOK_CSV, "--mapping", HANDBOOK_MAPPING, "--out", tmp_path / "out", "--no-decisions")
    assert done.returncode == 0
    assert not (tmp_path / "out" / "decisions.parquet").exists()


def test_too_many_refused_rows_are_exit_code_1_and_a_wrong_request_2(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [an_event(1), "{"])
    refused = _run(events, "--out", tmp_path / "out")
    assert (refused.returncode, "1 of 2 rows refused" in refused.stderr) == (1, True)
    wrong = _run(HANDBOOK_CSV, "--out", tmp_path / "out")
    assert (wrong.returncode, "no column transaction_id" in wrong.stderr) == (2, True)
    allowed = _run(events, "--out", tmp_path / "out", "--allow-refused", "0.5")
    assert (allowed.returncode, "row 2: invalid_json" in allowed.stdout) == (0, True)


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [an_event(n, user_id=f"u-{n % 100}") for n in range(100_000)])
    process = subprocess.Popen(_command(events, "--out", tmp_path / "out"), stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.unfinished-*/features.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told.splitlines()[-1]) == (130, b"fraudstream: stopped")
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]
