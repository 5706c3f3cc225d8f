"""Pure planning: which user records travel together in which Kinesis record. Apart, so that its tests need no network.

Only records of one shard may share one: KCL drops an aggregate as a whole, without a word, if one of its keys is not the shard's. (Our
consumer switches that off; other readers of the stream do not.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from producers.batches import KIB, BatchLimits
from producers.records import OutgoingRecord
from producers.shard_map import ShardMap
from schemas.aggregate import FIXED_BYTES, UserRecord, encode, hash_key_of, most_bytes

MAX_USER_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class Aggregation:
    """How much goes into one Kinesis record, and how many user records are gathered before they are distributed.

    A shard takes 1 MiB and 1,000 Kinesis records a second; one aggregate is throttled, stored and read as a whole, so small ones
    (50 KiB is KPL's default) keep the flow even.
    """

    aggregate_bytes: int = 50 * KIB
    user_records: int = 1_000
    gathered_records: int = 2_000

    def __post_init__(self) -> None:
        if not 1 <= self.user_records <= MAX_USER_RECORDS or self.gathered_records < 1:
            raise ValueError(f"an aggregate holds 1 to {MAX_USER_RECORDS} user records, and at least 1 is gathered")


class Parcel(NamedTuple):
    """One Kinesis record and the user records in it, by their index, in order. `shard_id`: where an aggregate must arrive."""

    record: OutgoingRecord
    members: tuple[int, ...]
    shard_id: str | None = None


def wrap(records: Sequence[OutgoingRecord], indexes: Sequence[int]) -> list[Parcel]:
    """Return a parcel of its own for each record: what is sent without aggregation."""
    return [Parcel(records[index], (index,)) for index in indexes]


def pack(
    records: Sequence[OutgoingRecord],
    indexes: Sequence[int],
    shards: ShardMap,
    aggregation: Aggregation,
    limits: BatchLimits,
) -> list[Parcel]:
    """Return one request that keeps `limits`, never an empty one, with as many of the records as it holds; the rest must follow.

    The records of a key are in one parcel in their order; where they fill more, only `limits.has_unique_keys` keeps the second
    parcel for a later request (Kinesis promises no order within one). A parcel of one record is the record as it is, which Kinesis
    itself routes; so are those whose shard is not known.
    """
    request = _Request(shards, aggregation, limits)
    for index in indexes:
        if not request.add(index, records[index]):
            break
    return [parcel.seal(records) for parcel in request.parcels]


def has_strayed(parcel: Parcel, shard_id: str, records: Sequence[OutgoingRecord], shards: ShardMap) -> bool:
    """Whether KCL may drop the parcel, now that it is stored in `shard_id`: then all its records must be sent again."""
    if parcel.shard_id in {None, shard_id}:
        return False
    return not all(shards.holds(shard_id, _hash_key(records[index])) for index in parcel.members)


@dataclass(slots=True)
class _OpenParcel:
    shard_id: str | None
    members: list[int] = field(default_factory=list)
    size_bytes: int = FIXED_BYTES

    def seal(self, records: Sequence[OutgoingRecord]) -> Parcel:
        first = records[self.members[0]]
        if len(self.members) == 1:
            return Parcel(first, (self.members[0],))
        data = encode([_user_record(records[index]) for index in self.members])
        record = OutgoingRecord(data, first.partition_key, _hash_key(first))
        return Parcel(record, tuple(self.members), self.shard_id)


class _Request:
    def __init__(self, shards: ShardMap, aggregation: Aggregation, limits: BatchLimits) -> None:
        self.parcels: list[_OpenParcel] = []
        self._shards, self._aggregation, self._limits = shards, aggregation, limits
        self._most_bytes = min(aggregation.aggregate_bytes, limits.record_bytes)
        self._open: dict[str, _OpenParcel] = {}
        self._parcel_of: dict[str, _OpenParcel] = {}
        self._left: set[str] = set()
        self._size_bytes = 0

    def add(self, index: int, record: OutgoingRecord) -> bool:
        """Find a place for the record, or leave it for a later request because of its key; False: the request is full."""
        size_bytes = most_bytes(_user_record(record))
        parcel = self._with_room(self._shards.shard_of(_hash_key(record)), size_bytes)
        if self._limits.has_unique_keys and self._must_follow(record.partition_key, parcel):
            return True
        if not self._has_space_for(parcel, size_bytes):
            return False
        if not parcel.members:
            self.parcels.append(parcel)
            self._size_bytes += parcel.size_bytes
            if parcel.shard_id is not None:
                self._open[parcel.shard_id] = parcel
        parcel.members.append(index)
        parcel.size_bytes += size_bytes
        self._size_bytes += size_bytes
        return True

    def _must_follow(self, key: str, parcel: _OpenParcel) -> bool:
        """Whether an earlier record of the key is in another parcel or had to be left: this one is left too."""
        if key in self._left or self._parcel_of.setdefault(key, parcel) is not parcel:
            self._left.add(key)
        return key in self._left

    def _with_room(self, shard_id: str | None, size_bytes: int) -> _OpenParcel:
        parcel = self._open.get(shard_id) if shard_id is not None else None
        is_full = parcel is None or (
            len(parcel.members) >= self._aggregation.user_records or parcel.size_bytes + size_bytes > self._most_bytes
        )
        return _OpenParcel(shard_id) if parcel is None or is_full else parcel

    def _has_space_for(self, parcel: _OpenParcel, size_bytes: int) -> bool:
        if not self.parcels:
            return True
        has_number = bool(parcel.members) or len(self.parcels) < self._limits.records
        added_bytes = size_bytes + (0 if parcel.members else FIXED_BYTES)
        return has_number and self._size_bytes + added_bytes <= self._limits.request_bytes


def _hash_key(record: OutgoingRecord) -> int:
    return hash_key_of(record.partition_key) if record.hash_key is None else record.hash_key


def _user_record(record: OutgoingRecord) -> UserRecord:
    hash_key = None if record.hash_key is None else str(record.hash_key)
    return UserRecord(record.data, record.partition_key, hash_key)
