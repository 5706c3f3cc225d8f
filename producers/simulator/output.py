"""Writing simulated events as JSON lines, and the truth about them into a file of its own, which no consumer reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

import msgspec

from producers.pacing import paced
from producers.records import Pause
from producers.simulator.simulation import SimulatedEvent

_encode = msgspec.json.Encoder().encode


def encode_event(simulated: SimulatedEvent) -> bytes:
    """Return the event as one line of JSON, UTF-8, without the line end."""
    return _encode(simulated.event)


def encode_truth(simulated: SimulatedEvent) -> bytes:
    """Return the truth about the event, by its identity: transaction_id, timestamp, is_fraud, pattern (null if genuine)."""
    event = simulated.event
    return _encode(
        {
            "transaction_id": event["transaction_id"],
            "timestamp": event["timestamp"],
            "is_fraud": simulated.is_fraud,
            "pattern": simulated.pattern,
        }
    )


def write_events(
    events: Iterable[SimulatedEvent], out: BinaryIO, *, per_second: float | None = None, truth: BinaryIO | None = None
) -> int:
    """Write the events as JSON lines, at a rate if one is given, and return how many were written.

    With a rate every burst is flushed at once. The truth of an event is written before the event itself. Ends quietly when the
    reader of `out` goes away (broken pipe); `out` then leads nowhere, so that closing it raises nothing either.
    """
    written = 0
    try:
        for simulated in events if per_second is None else paced(events, per_second):
            if isinstance(simulated, Pause):
                out.flush()
                continue
            if truth is not None:
                truth.write(encode_truth(simulated) + b"\n")
            out.write(encode_event(simulated) + b"\n")
            written += 1
        out.flush()
    except BrokenPipeError:
        _lead_nowhere(out)
    return written


def _lead_nowhere(out: BinaryIO) -> None:
    with suppress(OSError):  # nothing in memory breaks like a pipe, but a caller may pass what has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
