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
class BatchLimits:
    """Bounds of one request, partition keys included.

    Kinesis takes 500 records and 10 MiB a request since October 2025 and 5 MiB before; 5 MiB is kept, since every endpoint takes it.
    A record may have 1 MiB unless the stream's MaxRecordSizeInKiB was raised (up to 10 MiB).

    `has_unique_keys`: no key stands twice in one request. PutRecords does not promise the order inside a request, so this is what
    strict order per key costs: a stream of few keys is sent in small requests.
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
class _OpenBatch:
    limits: BatchLimits
    records: list[OutgoingRecord] = field(default_factory=list)
    size_bytes: int = 0
    keys: set[str] = field(default_factory=set)

    def has_room_for(self, record: OutgoingRecord, size_bytes: int) -> bool:
        return (
            len(self.records) < self.limits.records
            and self.size_bytes + size_bytes <= self.limits.request_bytes
            and not (self.limits.has_unique_keys and record.partition_key in self.keys)
        )

    def add(self, record: OutgoingRecord, size_bytes: int) -> None:
        self.records.append(record)
        self.size_bytes += size_bytes
        if self.limits.has_unique_keys:
            self.keys.add(record.partition_key)


def plan(records: Iterable[OutgoingRecord | Pause], limits: BatchLimits) -> Iterator[list[OutgoingRecord]]:
    """Yield requests as soon as they are full or the source pauses: never an empty one, every record once, in the order given.

    Lazy: holds at most one request in memory. Raises RecordTooLargeError at a record that no request may hold, after yielding
    what came before it.
    """
    batch = _OpenBatch(limits)
    for record in records:
        size_bytes = 0 if isinstance(record, Pause) else record.size_bytes
        is_too_large = size_bytes > limits.record_bytes
        if batch.records and (is_too_large or isinstance(record, Pause) or not batch.has_room_for(record, size_bytes)):
            yield batch.records
            batch = _OpenBatch(limits)
        if is_too_large:
            raise RecordTooLargeError(size_bytes, limits.record_bytes)
        if not isinstance(record, Pause):
            batch.add(record, size_bytes)
    if batch.records:
        yield batch.records
