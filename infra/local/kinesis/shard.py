"""A shard: a range of hash keys and its log of records, apart from how shards make up a stream."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_HASH_KEY = 2**128 - 1


@dataclass(frozen=True, slots=True)
class Record:
    """One put record. Sequence numbers grow within a stream; arrival is epoch milliseconds."""

    sequence_number: int
    arrival_ms: int
    partition_key: str
    data: bytes


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
    """A log of records in sequence order; open until ``close``. ``parents`` holds none, one (split) or two (merge) ids."""

    shard_id: str
    hash_keys: HashKeyRange
    opened_ms: int
    first_sequence_number: int
    parents: tuple[str, ...] = ()
    closed_ms: int | None = None
    last_sequence_number: int | None = None
    _sequence_numbers: list[int] = field(default_factory=list)
    _records: list[Record] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether records may still arrive."""
        return self.closed_ms is None

    def close(self, sequence_number: int, now_ms: int) -> None:
        """End the shard; ``sequence_number`` is its last and belongs to no record."""
        self.last_sequence_number, self.closed_ms = sequence_number, now_ms

    def append(self, record: Record) -> None:
        """Add a record; the caller numbers records in growing order."""
        self._sequence_numbers.append(record.sequence_number)
        self._records.append(record)

    def read(self, sequence_number: int, *, max_records: int, max_bytes: int) -> Sequence[Record]:
        """Give the records from ``sequence_number`` on: within both limits, but always one where there is one."""
        start = bisect.bisect_left(self._sequence_numbers, sequence_number)
        stop, size = start, 0
        for record in self._records[start : start + max_records]:
            size += len(record.data)
            if size > max_bytes and stop > start:
                break
            stop += 1
        return self._records[start:stop]

    def first_from(self, sequence_number: int) -> Record | None:
        """Give the oldest record with at least this sequence number."""
        index = bisect.bisect_left(self._sequence_numbers, sequence_number)
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
            del self._records[:count], self._sequence_numbers[:count]

    def is_past(self, horizon_ms: int) -> bool:
        """Whether the shard closed before the horizon, so that AWS no longer lists it."""
        return self.closed_ms is not None and self.closed_ms < horizon_ms
