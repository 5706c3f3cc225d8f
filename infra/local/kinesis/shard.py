"""A shard: a range of hash keys and its log of records, apart from how shards make up a stream."""

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter

import msgspec

MAX_HASH_KEY = 2**128 - 1


class Record(msgspec.Struct, frozen=True, gc=False):
    """One put record. On the wire it has the API's names, so that a list of records is JSON without a step between.

    Sequence numbers grow within a stream; as texts of one length they compare as the numbers do. Arrival is in epoch seconds.
    """

    sequence_number: str = msgspec.field(name="SequenceNumber")
    arrival_s: float = msgspec.field(name="ApproximateArrivalTimestamp")
    data: bytes = msgspec.field(name="Data")
    partition_key: str = msgspec.field(name="PartitionKey")

    @property
    def arrival_ms(self) -> int:
        """When it arrived, in epoch milliseconds."""
        return round(self.arrival_s * 1000)


_sequence_number = attrgetter("sequence_number")


@dataclass(frozen=True, slots=True)
class HashKeyRange:
    """Both ends belong to the range."""

    first: int
    last: int

    def is_followed_by(self, other: "HashKeyRange") -> bool:
        """Whether ``other`` starts where this range ends."""
        return self.last + 1 == other.first


@dataclass(slots=True)
class Shard:
    """A log of records in sequence order; open until ``close``. ``parents`` holds none, one (split) or two (merge) ids.

    ``listeners`` are called after each record and after the end.
    """

    shard_id: str
    hash_keys: HashKeyRange
    opened_ms: int
    first_sequence_number: int
    parents: tuple[str, ...] = ()
    closed_ms: int | None = None
    last_sequence_number: int | None = None
    listeners: set[Callable[[], None]] = field(default_factory=set)
    _records: list[Record] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether records may still arrive."""
        return self.closed_ms is None

    def close(self, sequence_number: int, now_ms: int) -> None:
        """End the shard; ``sequence_number`` is its last and belongs to no record."""
        self.last_sequence_number, self.closed_ms = sequence_number, now_ms
        self.announce()

    def append(self, record: Record) -> None:
        """Add a record; the caller numbers records in growing order."""
        self._records.append(record)
        if self.listeners:
            self.announce()

    def read(self, sequence_number: int, *, max_records: int, max_bytes: int) -> list[Record]:
        """Give the records from ``sequence_number`` on: within both limits, but always one where there is one."""
        start = self._index_of(sequence_number)
        stop, size = start, 0
        for record in self._records[start : start + max_records]:
            size += len(record.data)
            if size > max_bytes and stop > start:
                break
            stop += 1
        return self._records[start:stop]

    def first_from(self, sequence_number: int) -> Record | None:
        """Give the oldest record with at least this sequence number."""
        index = self._index_of(sequence_number)
        return self._records[index] if index < len(self._records) else None

    def first_since(self, timestamp_ms: int) -> Record | None:
        """Give the oldest record that arrived at ``timestamp_ms`` or later."""
        return next((record for record in self._records if record.arrival_ms >= timestamp_ms), None)

    def trim(self, horizon_ms: int) -> None:
        """Forget the records that arrived before the horizon."""
        count = 0
        while count < len(self._records) and self._records[count].arrival_ms < horizon_ms:
            count += 1
        if count:
            del self._records[:count]

    def announce(self) -> None:
        """Call the listeners."""
        for tell in self.listeners:
            tell()

    def is_past(self, horizon_ms: int) -> bool:
        """Whether the shard closed before the horizon, so that AWS no longer lists it."""
        return self.closed_ms is not None and self.closed_ms < horizon_ms

    def _index_of(self, sequence_number: int) -> int:
        return bisect.bisect_left(self._records, str(sequence_number), key=_sequence_number)
