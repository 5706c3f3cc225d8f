"""A stream: shards that split and merge, routing by hash key, retention. Pure: the caller gives the time."""

import bisect
import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from infra.local.kinesis.consumer import Consumer
from infra.local.kinesis.errors import InvalidArgumentException, ResourceInUseException, ResourceNotFoundException
from infra.local.kinesis.shard import MAX_HASH_KEY, HashKeyRange, Record, Shard

ACCOUNT_ID = "000000000000"
MS_PER_HOUR = 3_600_000
_SEQUENCE_BASE = 496 * 10**53  # 56 digits that start with 49, as AWS's do, and always 56
_SEQUENCES_PER_MS = 10**12
_KEYS_REMEMBERED = 1 << 16


Arrival = tuple[str, bytes, int | None]
"""What a caller puts: partition key, data and hash key, which is the MD5 of the partition key unless given."""


@dataclass(slots=True)
class Stream:
    """Created with no shard: call ``open_evenly`` once."""

    name: str
    region: str
    created_ms: int
    mode: str = "PROVISIONED"
    retention_hours: int = 24
    trimmed_ms: int = 0
    max_record_bytes: int = 1 << 20
    tags: dict[str, str] = field(default_factory=dict)
    shards: dict[str, Shard] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    _shards_made: int = 0
    _last_sequence_number: int = 0
    _open: list[Shard] = field(default_factory=list)
    _first_keys: list[int] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """The Amazon resource name."""
        return f"arn:aws:kinesis:{self.region}:{ACCOUNT_ID}:stream/{self.name}"

    @property
    def open_shards(self) -> tuple[Shard, ...]:
        """The shards that take records, in hash key order."""
        return tuple(self._open)

    @property
    def next_sequence_number(self) -> int:
        """A bound: whatever is put from now on has this number or a greater one."""
        return self._last_sequence_number + 1

    def horizon_ms(self, now_ms: int) -> int:
        """Give the trim horizon: nothing older can be read."""
        return max(self.created_ms, self.trimmed_ms, now_ms - self.retention_hours * MS_PER_HOUR)

    def open_evenly(self, count: int, now_ms: int) -> None:
        """Divide the whole range of hash keys among ``count`` new shards."""
        step = (MAX_HASH_KEY + 1) // count
        firsts = [index * step for index in range(count)]
        lasts = [first - 1 for first in firsts[1:]] + [MAX_HASH_KEY]
        for first, last in zip(firsts, lasts, strict=True):
            self._open_shard(HashKeyRange(first, last), now_ms)
        self._index()

    def shard(self, shard_id: str) -> Shard:
        """Find a shard; raises ``ResourceNotFoundException``."""
        if shard_id not in self.shards:
            raise ResourceNotFoundException(
                f"Shard {shard_id} in stream {self.name} under account {ACCOUNT_ID} does not exist"
            )
        return self.shards[shard_id]

    def children(self, shard: Shard) -> list[Shard]:
        """Give the shards that a split or merge made out of this one."""
        return [child for child in self.shards.values() if shard.shard_id in child.parents]

    def put(self, arrivals: Iterable[Arrival], now_ms: int) -> list[tuple[Shard, Record]]:
        """Append records in their order, each to the open shard that owns its hash key."""
        arrival_s, number = now_ms / 1000, self._take_sequence_number(now_ms) - 1
        placed: list[tuple[Shard, Record]] = []
        for partition_key, data, given in arrivals:
            number += 1
            hash_key = _hash_key_of(partition_key) if given is None else given
            shard = self._open[bisect.bisect_right(self._first_keys, hash_key) - 1]
            record = Record(str(number), arrival_s, data, partition_key)
            shard.append(record)
            placed.append((shard, record))
        self._last_sequence_number = max(number, self._last_sequence_number)
        return placed

    def split(self, shard_id: str, new_first_key: int, now_ms: int) -> None:
        """Close a shard and open two children, the upper one from ``new_first_key`` on."""
        shard = self._reshardable(shard_id)
        keys = shard.hash_keys
        if not keys.first + 1 < new_first_key < keys.last:
            raise InvalidArgumentException(
                f"NewStartingHashKey {new_first_key} used in SplitShard() on shard {shard_id} in stream {self.name} under "
                f"account {ACCOUNT_ID} is not both greater than one plus the shard's StartingHashKey {keys.first} and "
                f"less than the shard's EndingHashKey {keys.last}."
            )
        shard.close(self._take_sequence_number(now_ms), now_ms)
        for child in (HashKeyRange(keys.first, new_first_key - 1), HashKeyRange(new_first_key, keys.last)):
            self._open_shard(child, now_ms, shard_id)
        self._index()

    def merge(self, shard_id: str, adjacent_id: str, now_ms: int) -> None:
        """Close two neighbours and open one child over both ranges."""
        shards = [self._reshardable(shard_id), self._reshardable(adjacent_id)]
        lower, upper = sorted((shard.hash_keys for shard in shards), key=lambda keys: keys.first)
        if not lower.is_followed_by(upper):
            raise InvalidArgumentException(
                f"Shards {shard_id} and {adjacent_id} in stream {self.name} under account {ACCOUNT_ID} are not an "
                "adjacent pair of shards eligible for merging"
            )
        for shard in shards:
            shard.close(self._take_sequence_number(now_ms), now_ms)
        self._open_shard(HashKeyRange(lower.first, upper.last), now_ms, shard_id, adjacent_id)
        self._index()

    def trim(self, now_ms: int) -> None:
        """Forget what the retention period no longer covers: records, and shards that closed before it."""
        horizon_ms = self.horizon_ms(now_ms)
        for shard in list(self.shards.values()):
            shard.trim(horizon_ms)
            if shard.is_past(horizon_ms):
                del self.shards[shard.shard_id]

    def _reshardable(self, shard_id: str) -> Shard:
        shard = self.shard(shard_id)
        if not shard.is_open:
            raise ResourceInUseException(
                f"Shard {shard_id} in stream {self.name} under account {ACCOUNT_ID} has already been merged or split, "
                "and thus is not eligible for merging or splitting."
            )
        return shard

    def _open_shard(self, keys: HashKeyRange, now_ms: int, *parents: str) -> None:
        shard_id = f"shardId-{self._shards_made:012d}"
        self._shards_made += 1
        self.shards[shard_id] = Shard(shard_id, keys, now_ms, self._take_sequence_number(now_ms), parents)

    def _index(self) -> None:
        self._open = sorted((s for s in self.shards.values() if s.is_open), key=lambda shard: shard.hash_keys.first)
        self._first_keys = [shard.hash_keys.first for shard in self._open]

    def _take_sequence_number(self, now_ms: int) -> int:
        self._last_sequence_number = max(self._last_sequence_number + 1, _SEQUENCE_BASE + now_ms * _SEQUENCES_PER_MS)
        return self._last_sequence_number


@functools.lru_cache(_KEYS_REMEMBERED)
def _hash_key_of(partition_key: str) -> int:
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")
