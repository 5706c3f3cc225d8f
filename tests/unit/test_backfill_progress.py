"""What a backfill says of its progress where there is no terminal."""

from __future__ import annotations

import pytest

from consumer.operations import backfill


def test_the_pace_leaves_out_what_was_decided_before_it_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_TOLD_EVERY_S", 0.0)
    told: list[str] = []
    progress = backfill.PlainProgress(told.append)
    progress.decide(1_000, 3_000)
    assert told == []
    progress.decide(1_000, 3_000)
    progress.decide(3_000, 3_000)
    assert "1,000 of 3,000, 0 events/s" in told[0]
    assert told[1].endswith(" 0 s left")
