from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from io import BytesIO

from producers.simulator.events import SimulatedEvent
from producers.simulator.fraud import PATTERNS
from producers.simulator.lookalikes import LOOKALIKES
from producers.simulator.output import Notebook, encode_event, write_events
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

_SETTINGS = SimulationSettings(seed=3, customers=50, merchants=20, fraud_share=0.2)
_PROGRAM = """
import sys
from producers.simulator.output import write_events
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
print(write_events(simulate(SimulationSettings(customers=50, merchants=20)), sys.stdout.buffer) > 0, file=sys.stderr)
"""


def test_events_are_written_as_lines_of_json_and_the_truth_apart() -> None:
    out, truth = BytesIO(), BytesIO()
    expected = list(simulate(_SETTINGS, 2_000))

    written = write_events(simulate(_SETTINGS, 2_000), out, notebook=Notebook(seed=3, truth=truth))

    assert written == 2_000
    assert out.getvalue() == b"".join(encode_event(e) + b"\n" for e in expected)
    told = [json.loads(line) for line in truth.getvalue().splitlines()]
    assert told == [
        {
            "transaction_id": e.event["transaction_id"],
            "timestamp": e.event["timestamp"],
            "is_fraud": e.is_fraud,
            "pattern": e.pattern,
            "lookalike": e.lookalike,
        }
        for e in expected
        if e.pattern or e.lookalike
    ]
    assert {row["is_fraud"] for row in told} == {True, False}


def test_the_event_itself_does_not_tell_the_truth() -> None:
    out = BytesIO()

    write_events(simulate(_SETTINGS, 500), out)

    assert b"fraud" not in out.getvalue()
    assert not any(story.name.encode() in out.getvalue() for story in (*PATTERNS, *LOOKALIKES))


def test_a_reader_who_goes_away_ends_it_quietly() -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": ".", "PYTHONUNBUFFERED": ""},
    )
    assert writer.stdout
    assert writer.stderr
    with writer, writer.stdout, writer.stderr:
        json.loads(writer.stdout.readline())
        writer.stdout.close()
        complaint = writer.stderr.read()
        assert writer.wait(timeout=60) == 0
    assert complaint == b"True\n"


def test_a_burst_at_a_rate_is_there_before_the_next_one_is_due() -> None:
    receiving, sending = os.pipe()
    with os.fdopen(receiving, "rb") as reader:
        with os.fdopen(sending, "wb", buffering=1 << 20) as out:
            was_read, in_time = threading.Event(), list[bool]()
            events = _held_back(simulate(_SETTINGS, 4), was_read, in_time)
            writing = threading.Thread(target=write_events, args=(events, out), kwargs={"per_second": 20})
            writing.start()
            first = reader.readline()
            was_read.set()
            writing.join(timeout=60)
        assert json.loads(first)["transaction_id"].startswith("sim-3-")
        assert in_time == [True]
        assert len(reader.read().splitlines()) == 3


def _held_back(
    events: Iterable[SimulatedEvent], was_read: threading.Event, in_time: list[bool]
) -> Iterator[SimulatedEvent]:
    """Give the last event only once the first was read: without the flush between bursts it is not, before all is over."""
    *most, last = events
    yield from most
    in_time.append(was_read.wait(timeout=10))
    yield last
