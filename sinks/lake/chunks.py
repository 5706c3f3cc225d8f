"""The chunk chain of one shard (effects.md, section 2): which records belong to which object, and what may be checkpointed.

Pure: no IO, no clock. `sinks.lake.appender` carries out what it says; the property test runs both under every crash it can think of.
"""

from __future__ import annotations

import sys
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from schemas.decision import Decision
from schemas.lake import LAKE_SCHEMA_VERSION
from schemas.position import Position, ShardId, StreamEpoch, StreamPosition
from sinks.lake.keys import chunk_key, parse_chunk_key
from sinks.port import ChunkFooter, ChunkObject

_RECORD_BYTES = 400
_ROW_BYTES = 2_000
"""In-memory size of a decision without features and reasons: 1.7 KB measured (CPython 3.11) with all values distinct, ids of 16."""
_REASON_BYTES = 200


@dataclass(frozen=True, slots=True)
class CutPolicy:
    """When a chunk closes. None of it matters for exactly-once: cuts may differ between workers, deploys and runs."""

    max_age_s: float = 60.0
    """Since its first row was buffered: how fresh the lake is."""
    empty_max_age_s: float = 900.0
    """Since its first record was consumed: how long a stretch without rows, or one bad record on an idle shard, stays open."""
    max_rows: int = 50_000
    max_records: int = 200_000
    """Consumed, good or bad: bounds what a crash replays where there are few rows."""
    max_bytes: int = 128 * 1024 * 1024
    """Of memory, estimated; a container divides its budget by the shards it may own."""


class Consumed(NamedTuple):
    """One record that was dealt with, good or bad; `row` is what it puts into the lake, as `row_of` decides."""

    position: StreamPosition
    arrival_time: datetime
    row: Decision | None = None

    @property
    def arrival_day(self) -> date:
        """The UTC day that Kinesis took the record, whoever asks and whenever."""
        return self.arrival_time.date()


def row_of(position: StreamPosition, effective: Decision | None) -> Decision | None:
    """Return the effective row of a record's event if its position is the record's own, else None.

    So a producer's duplicate stands in the lake once, and so does an event that another shard decided first.
    """
    return effective if effective is not None and effective.position == position else None


@dataclass(slots=True)
class _OpenChunk:
    """What was consumed since the last chunk ended. Never without a record for longer than it takes to add the first."""

    opened_s: float
    records: list[Consumed] = field(default_factory=list)
    rows: list[Decision] = field(default_factory=list)
    first_row_s: float | None = None
    size_bytes: int = 0

    def add(self, records: Sequence[Consumed], now_s: float) -> None:
        rows = [record.row for record in records if record.row is not None]
        self.records += records
        self.size_bytes += size_of(records, rows)
        if rows:
            self.rows += rows
            self.first_row_s = now_s if self.first_row_s is None else self.first_row_s

    def after(self, end: Position) -> _OpenChunk | None:
        """Return what remains when everything up to `end` stands in the lake; as old as it was, so that it is due as it was."""
        if end < self.records[0].position.within_shard:
            return self
        if end >= self.records[-1].position.within_shard:
            return None
        rest = _OpenChunk(self.opened_s)
        left = [record for record in self.records if record.position.within_shard > end]
        rest.add(left, self.opened_s if self.first_row_s is None else self.first_row_s)
        return rest

    def is_due(self, policy: CutPolicy, now_s: float, share_bytes: int) -> bool:
        is_stale = self.first_row_s is not None and now_s - self.first_row_s >= policy.max_age_s
        is_full = len(self.rows) >= policy.max_rows or len(self.records) >= policy.max_records
        is_old = now_s - self.opened_s >= policy.empty_max_age_s
        return is_stale or is_full or is_old or self.size_bytes >= min(policy.max_bytes, share_bytes)


def size_of(records: Sequence[Consumed], rows: Sequence[Decision]) -> int:
    """Return the bytes of memory that consumed records and their rows take, estimated."""
    reasons = sum([len(row.reasons) for row in rows if row.reasons])
    features = sum([len(row.features) for row in rows])
    return len(records) * _RECORD_BYTES + len(rows) * _ROW_BYTES + features + reasons * _REASON_BYTES


def _joined(first: _OpenChunk | None, second: _OpenChunk | None) -> _OpenChunk | None:
    if first is None or second is None:
        return first or second
    first.add(second.records, second.opened_s if second.first_row_s is None else second.first_row_s)
    return first


class ChunkChain:
    """The state of one shard's chain in one worker: made anew whenever the shard is initialised.

    For every record, in order: `skips` it, or `must_close_before` it, or its day `needs_listing`, or `standing_key` must be looked at,
    or it is appended. Times are seconds of any steady clock.
    """

    def __init__(self, epoch: StreamEpoch, shard_id: ShardId, policy: CutPolicy | None = None) -> None:
        self.epoch, self.shard_id, self.policy = epoch, shard_id, policy or CutPolicy()
        self.adopted = 0
        """How often an object of somebody else stood where ours was to go."""
        self._open: _OpenChunk | None = None
        self._sealing: _OpenChunk | None = None
        self._sealed: ChunkObject | None = None
        self._end: Position | None = None
        self._listed_days: set[date] = set()
        self._standing: list[tuple[Position, str]] = []

    def skips(self, position: StreamPosition) -> bool:
        """Whether the record stands in an object already: it needs no work at all, neither here nor in the ledger."""
        return self._end is not None and position.within_shard <= self._end

    def must_close_before(self, record: Consumed) -> bool:
        """Whether the open chunk may not reach as far as `record`.

        A chunk holds records of one arrival day, so that whoever looks for the object that covers a record has one prefix to list;
        and it never extends over a key that is known to stand. A sealed chunk that is not settled counts as open: until then it is
        not known where it ends.
        """
        last = self._open or self._sealing
        if last is None:
            return False
        is_other_day = record.arrival_day != last.records[0].arrival_day
        return is_other_day or self.standing_key(record.position) is not None

    def takes_at_once(self, records: Sequence[Consumed]) -> bool:
        """Whether these records in their order, at least one, can be appended together: nothing has to be asked of any of them.

        Nor would the open chunk, or a new one, become full before the last of them.
        """
        first, last = records[0].position, records[-1].position
        if self.skips(first) or self.standing_key(last) is not None:
            return False
        times = [record.arrival_time for record in records]
        if (
            min(times).date() != max(times).date()
            or self.needs_listing(records[0])
            or self.must_close_before(records[0])
        ):
            return False
        policy, there = self.policy, self._open or _OpenChunk(0.0)
        return (
            len(there.records) + len(records) <= policy.max_records
            and len(there.rows) + len(records) <= policy.max_rows
            and there.size_bytes < policy.max_bytes
        )

    def needs_listing(self, record: Consumed) -> bool:
        """Whether the keys of the record's arrival day are not known yet."""
        return record.arrival_day not in self._listed_days

    def learn(self, arrival_day: date, keys: Iterable[str]) -> None:
        """Take note of the keys that stand for a day: at the first record those that may cover it, later those ahead."""
        self._listed_days.add(arrival_day)
        for key in keys:
            insort(self._standing, (parse_chunk_key(key).first.within_shard, key))

    def standing_key(self, position: StreamPosition) -> str | None:
        """Return the greatest known key at or before `position` that was not passed yet: only its footer tells whether it covers it."""
        if not self._standing or self._standing[0][0] > position.within_shard:
            return None
        return self._standing[self._reached(position) - 1][1]

    def pass_by(self, position: StreamPosition, footer: ChunkFooter | None) -> None:
        """Leave the known keys up to `position` behind; skip to the end of the last of them if that covers `position`."""
        del self._standing[: self._reached(position)]
        if footer is not None and footer.end.within_shard >= position.within_shard and not self.skips(position):
            self._end = footer.end.within_shard

    def append(self, records: Sequence[Consumed], now_s: float) -> None:
        """Put consumed records, good or bad, in their order into the open chunk: never into one that is sealed, but into the next."""
        if self._open is None:
            self._open = _OpenChunk(now_s)
        self._open.add(records, now_s)

    def is_due(self, now_s: float, share_bytes: int = sys.maxsize) -> bool:
        """Whether the open chunk is old or full enough to be closed; `share_bytes` is what this shard may use of the container."""
        return self._open is not None and self._open.is_due(self.policy, now_s, share_bytes)

    def seal(self, chunk_id: str) -> ChunkObject | None:
        """Return what was consumed since the last end as one object, with or without rows; None if nothing was.

        Until it is settled the same object comes back, whatever the id: it is sealed before its first PUT, and never grows. What is
        appended meanwhile waits for the next object, whose key is not known before this one is settled.
        """
        if self._sealed is None and self._open is not None:
            self._sealing, self._open = self._open, None
            self._sealed = _chunk(chunk_id, self._sealing.records, self._sealing.rows)
        return self._sealed

    def settle(self, footer: ChunkFooter) -> None:
        """Accept the object that now stands at the sealed chunk's key, ours or another's, by what its footer says.

        Records up to its end are in the lake, appended since or not; those beyond it, if another's ends earlier, are open again.
        """
        if self._sealed is None or self._sealing is None:
            raise RuntimeError("there is no sealed chunk to settle")
        self.adopted += footer.chunk_id != self._sealed.footer.chunk_id
        self._end = end = footer.end.within_shard
        self._open = _joined(self._sealing.after(end), self._open and self._open.after(end))
        self._sealed = self._sealing = None

    def checkpointable(self, delivered: Position) -> Position | None:
        """Return the end of the last chunk that stands, unless it lies beyond what was `delivered`: KCL refuses to go there.

        Nothing else is ever checkpointed: in the middle of an object a second chain would begin.
        """
        return None if self._end is None or self._end > delivered else self._end

    def _reached(self, position: StreamPosition) -> int:
        return bisect_right(self._standing, position.within_shard, key=lambda standing: standing[0])


def _chunk(chunk_id: str, records: Sequence[Consumed], rows: Sequence[Decision]) -> ChunkObject:
    first, last = records[0], records[-1]
    footer = ChunkFooter(chunk_id, last.position, len(rows), LAKE_SCHEMA_VERSION)
    return ChunkObject(chunk_key(first.arrival_day, first.position), footer, tuple(rows))
