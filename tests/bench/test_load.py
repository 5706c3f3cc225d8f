from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from consumer.bench.load import LoadFiles, events, prefix_of, recent_period
from schemas.decode import EventTimeBounds, Unknown, decode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def pieces_of(load: LoadFiles) -> list[dict[str, str]]:
    """The pieces between the offsets, as a body holds them."""
    body, ends = load.pieces.read_bytes(), np.fromfile(load.offsets, np.int64).tolist()
    return [msgspec.json.decode(body[start : end - 1]) for start, end in zip([0, *ends], ends, strict=False)]


def test_events_lie_in_their_period_in_order_and_are_the_same_again() -> None:
    first, last = NOW - timedelta(days=2), NOW
    made = events(500, 3, first, last)
    times = [event.event_ms for event in made]
    assert len(made) == 500
    assert times == sorted(times)
    assert first.timestamp() * 1000 <= times[0]
    assert times[-1] < last.timestamp() * 1000
    assert events(500, 3, first, last) == made
    assert events(500, 4, first, last) != made


def test_a_period_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        events(1, 1, NOW, NOW)


def test_every_event_of_a_load_is_taken_by_a_consumer_that_reads_it_now(tmp_path: Path) -> None:
    load = LoadFiles(tmp_path, 1, NOW)
    load.extend_to(300)
    bounds, unknown = EventTimeBounds(), Unknown()
    for number, piece in enumerate(pieces_of(load)):
        read = decode(base64.b64decode(piece["Data"]), unknown)
        bounds.check(read.event_time, NOW)
        assert read.transaction_id == f"{prefix_of(1)}-{number:08d}"
        assert read.user_id == piece["PartitionKey"]
    assert unknown.events == 0


def test_a_load_grows_where_it_ended(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    at_once, in_steps = LoadFiles(tmp_path / "other", 1, NOW), LoadFiles(tmp_path, 1, NOW)
    at_once.extend_to(200)
    for number in (50, 50, 20, 199, 200):
        in_steps.extend_to(number)
    assert in_steps.number == 200
    assert in_steps.pieces.read_bytes() == at_once.pieces.read_bytes()
    assert in_steps.offsets.read_bytes() == at_once.offsets.read_bytes()


def test_a_recent_period_is_inside_the_seven_days_that_a_consumer_takes() -> None:
    first, last = recent_period(NOW)
    assert first > NOW - timedelta(days=7) + timedelta(hours=12)
    assert last < NOW
