"""Writing simulated events as JSON lines, and the truth and the labels into files of their own, which no consumer reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

import msgspec

from producers.pacing import paced
from producers.records import Pause
from producers.simulator.events import SimulatedEvent
from producers.simulator.labels import Reporter, SimulatedLabel

_encode = msgspec.json.Encoder().encode


def encode_event(simulated: SimulatedEvent) -> bytes:
    """Return the event as one line of JSON, UTF-8, without the line end."""
    return _encode(simulated.event)


def encode_truth(simulated: SimulatedEvent) -> bytes | None:
    """Return the truth about the event, by its identity, if there is anything to tell; None for a genuine event like any other.

    Holds transaction_id, timestamp, is_fraud, pattern (null if genuine) and lookalike (null unless it is genuine and resembles fraud).
    """
    if simulated.pattern is None and simulated.lookalike is None:
        return None
    event, is_fraud, pattern, lookalike = simulated
    identity = {"transaction_id": event["transaction_id"], "timestamp": event["timestamp"]}
    return _encode({**identity, "is_fraud": is_fraud, "pattern": pattern, "lookalike": lookalike})


class Notebook:
    """Writes down what events do not say: the truth as they come, the labels at the end, in the order of the reports."""

    def __init__(self, seed: int, truth: BinaryIO | None = None, labels: BinaryIO | None = None) -> None:
        self._truth, self._labels, self._reporter = truth, labels, Reporter(seed)
        self._reported: list[SimulatedLabel] = []

    def note(self, simulated: SimulatedEvent) -> None:
        """Write the truth about an event and remember its label."""
        if self._truth is not None and (truth := encode_truth(simulated)) is not None:
            self._truth.write(truth + b"\n")
        if self._labels is not None and (label := self._reporter.report(simulated)) is not None:
            self._reported.append(label)

    def close(self) -> None:
        """Write the labels; those reported after the last event too, because whoever reads them looks at `reported_at`."""
        if self._labels is not None:
            self._reported.sort(key=lambda label: (label.reported_at, label.transaction_id))
            self._labels.writelines(_encode(label.as_json()) + b"\n" for label in self._reported)


def write_events(
    events: Iterable[SimulatedEvent],
    out: BinaryIO,
    *,
    per_second: float | None = None,
    notebook: Notebook | None = None,
) -> int:
    """Write the events as JSON lines, at a rate if one is given, and return how many were written.

    With a rate every burst is flushed at once. What the notebook is told of an event it is told before the event is written. Ends
    quietly when the reader of `out` goes away (broken pipe); `out` then leads nowhere, so that closing it raises nothing either.
    """
    written = 0
    try:
        for simulated in events if per_second is None else paced(events, per_second):
            if isinstance(simulated, Pause):
                out.flush()
                continue
            if notebook is not None:
                notebook.note(simulated)
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
