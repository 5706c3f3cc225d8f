"""The events that benches send: simulated by a seed, kept in files as pieces of PutRecords bodies, so that sending costs nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

CUSTOMERS, FRAUD_SHARE = 10_000, 0.01
_DENSER = 1.3
"""So much denser than `number` over the period asks for: the week is not evenly busy, and the last event must lie before its end."""
_LOAD_PER_SECOND = 10.0
"""Events of a load in a second of event time: six days hold five million, more than any bench sends."""


class BenchEvent(NamedTuple):
    """One event: its JSON, the user who is its partition key, and its time in milliseconds since 1970."""

    data: bytes
    user_id: str
    event_ms: int


def prefix_of(seed: int) -> str:
    """Return what the transaction ids of a bench begin with; a dash and the event's number in eight digits follow."""
    return f"bench-{seed}"


def events(number: int, seed: int, first: datetime, last: datetime) -> list[BenchEvent]:
    """Return `number` simulated events in order of their times, which lie in [first, last): the same for the same arguments.

    Raises ValueError where the period is empty.
    """
    if not first < last:
        raise ValueError(f"the events need a period that is longer than nothing, not {first} to {last}")
    density = _DENSER * max(number, 1) / (last - first).total_seconds()
    return list(islice(_events(seed, first, last, density), number))


def recent_period(now: datetime) -> tuple[datetime, datetime]:
    """Return six days that end an hour before `now`: a consumer takes such events for another 23 hours."""
    last = now - timedelta(hours=1)
    return last - timedelta(days=6), last


class LoadFiles:
    """Pieces `{"Data":…,"PartitionKey":…},` one after the other, and the offset behind each as eight bytes: written ahead of sending.

    Event n has the number n in its transaction id. Two loads of one seed made at one `now` hold the same events.
    """

    def __init__(self, folder: Path, seed: int, now: datetime, *, fraud_share: float = FRAUD_SHARE) -> None:
        self.pieces, self.offsets = folder / "load.pieces", folder / "load.offsets"
        self.seed, self.number, self._size_bytes = seed, 0, 0
        self._events = _events(seed, *recent_period(now), _LOAD_PER_SECOND, fraud_share)
        for path in (self.pieces, self.offsets):
            path.write_bytes(b"")

    def extend_to(self, number: int) -> None:
        """Let there be so many events: takes about 12 µs for each new one. Raises ValueError where six days hold no more."""
        pieces = [_piece(event) for event in islice(self._events, max(0, number - self.number))]
        if self.number + len(pieces) < number:
            raise ValueError(
                f"a load has {self.number + len(pieces):,} events at most, not {number:,}: load for less long"
            )
        ends = self._size_bytes + np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        with self.pieces.open("ab") as file, self.offsets.open("ab") as offsets:
            file.writelines(pieces)
            offsets.write(ends.tobytes())
        self.number = max(self.number, number)
        self._size_bytes = int(ends[-1]) if len(ends) else self._size_bytes


def _events(
    seed: int, first: datetime, last: datetime, per_second: float, fraud_share: float = FRAUD_SHARE
) -> Iterator[BenchEvent]:
    settings = SimulationSettings(
        seed=seed,
        customers=CUSTOMERS,
        fraud_share=fraud_share,
        start=first,
        events_per_second=per_second,
        run_id=prefix_of(seed),
    )
    return (_bench_event(simulated.event) for simulated in simulate(settings, until=last))


def _bench_event(event: dict[str, Any]) -> BenchEvent:
    moment = datetime.fromisoformat(event["timestamp"]).astimezone(UTC)
    return BenchEvent(msgspec.json.encode(event), event["user_id"], round(moment.timestamp() * 1000))


def _piece(event: BenchEvent) -> bytes:
    return b'{"Data":"%b","PartitionKey":"%b"},' % (b64encode(event.data), event.user_id.encode())
