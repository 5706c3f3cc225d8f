"""Pure planning: which records travel in which PutRecords request. Apart from the publisher, so that it is tested without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from producers.errors import RecordTooLargeError
from producers.records import OutgoingRecord, Pause

KIB = 1024
MIB = 1024 * KIB
MAX_RECORDS_PER_REQUEST = 500
MAX_REQUEST_BYTES = 5 * MIB
MAX_RECORD_BYTES = 1 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what is taken together: user records that are gathered for aggregation, or a request (`BatchLimits`)."""

    records: int
    request_bytes: int
    record_bytes: int
    has_unique_keys: bool


@dataclass(frozen=True, slots=True)
class BatchLimits(Limits):
    """Bounds of one request, partition keys included.

    Kinesis takes 500 records and 10 MiB a request since October 2025 and 5 MiB before; 5 MiB is kept, since every endpoint takes it.
    A record may have 1 MiB unless the stream's MaxRecordSizeInKiB was raised (up to 10 MiB).

    `has_unique_keys`: no key stands twice in one request. PutRecords does not promise the order inside a request, so this is what
    strict order per key costs: a stream of few keys is sent in small requests, unless its records are aggregated.
    """

    records: int = MAX_RECORDS_PER_REQUEST
    request_bytes: int = MAX_REQUEST_BYTES
    record_bytes: int = MAX_RECORD_BYTES
    has_unique_keys: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.records <= MAX_RECORDS_PER_REQUEST:
            raise ValueError(f"records per request must be 1 to {MAX_RECORDS_PER_REQUEST}, not {self.records}")
        if not 1 <= self.record_bytes <= self.request_bytes:
            raise ValueError("the largest record must have at least 1 byte and fit into a request")


@dataclass(slots=True)
class OpenBatch:
    """A request that is being filled."""

    limits: Limits
    records: list[OutgoingRecord] = field(default_factory=list)
    size_bytes: int = 0
    keys: set[str] = field(default_factory=set)

    def has_space_for(self, size_bytes: int) -> bool:
        """Whether one more record of this size keeps the limits of number and bytes."""
        return len(self.records) < self.limits.records and self.size_bytes + size_bytes <= self.limits.request_bytes

    def holds_key_of(self, record: OutgoingRecord) -> bool:
        """Whether the record must wait for another request, because keys must be unique and its key is in here."""
        return self.limits.has_unique_keys and record.partition_key in self.keys

    def add(self, record: OutgoingRecord, size_bytes: int) -> None:
        """Add a record; the caller has asked for room."""
        self.records.append(record)
        self.size_bytes += size_bytes
        if self.limits.has_unique_keys:
            self.keys.add(record.partition_key)


def plan(records: Iterable[OutgoingRecord | Pause], limits: Limits) -> Iterator[list[OutgoingRecord]]:
    """Yield requests as soon as they are full or the source pauses: never an empty one, every record once, in the order given.

    Lazy: holds at most one request in memory. Raises RecordTooLargeError at a record that no request may hold, after yielding
    what came before it.
    """
    batch = OpenBatch(limits)
    for record in records:
        size_bytes = 0 if isinstance(record, Pause) else record.size_bytes
        is_too_large = size_bytes > limits.record_bytes
        is_over = isinstance(record, Pause) or not batch.has_space_for(size_bytes) or batch.holds_key_of(record)
        if batch.records and (is_too_large or is_over):
            yield batch.records
            batch = OpenBatch(limits)
        if is_too_large:
            raise RecordTooLargeError(size_bytes, limits.record_bytes)
        if not isinstance(record, Pause):
            batch.add(record, size_bytes)
    if batch.records:
        yield batch.records
