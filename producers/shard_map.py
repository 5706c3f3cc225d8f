"""Which open shard takes which hash key: what a publisher must know before it puts records of several keys together."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_kinesis.type_defs import ListShardsInputTypeDef, ListShardsOutputTypeDef


class ShardLister(Protocol):
    """The one call that a shard map needs of boto3's Kinesis client."""

    def list_shards(self, **request: Unpack[ListShardsInputTypeDef]) -> ListShardsOutputTypeDef:
        """Return a page of the stream's shards."""
        ...


class ShardRange(NamedTuple):
    """An open shard and the hash keys that are its own, both ends included. The range of a shard never changes."""

    first: int
    last: int
    shard_id: str


class ShardMap:
    """The open shards of one moment. A split or merge makes it stale without a word: compare the shard that Kinesis names."""

    def __init__(self, ranges: Iterable[ShardRange]) -> None:
        self._ranges = sorted(ranges)
        self._firsts = [one.first for one in self._ranges]
        self._by_id = {one.shard_id: one for one in self._ranges}

    def shard_of(self, hash_key: int) -> str | None:
        """Return the shard that takes `hash_key`; None in a gap, as it may seem in the middle of a split."""
        at = bisect.bisect_right(self._firsts, hash_key) - 1
        return self._ranges[at].shard_id if at >= 0 and hash_key <= self._ranges[at].last else None

    def holds(self, shard_id: str, hash_key: int) -> bool:
        """Whether `shard_id` is known and `hash_key` its own."""
        found = self._by_id.get(shard_id)
        return found is not None and found.first <= hash_key <= found.last


def read_shard_map(client: ShardLister, stream_name: str) -> ShardMap:
    """Ask Kinesis for the shards that are open now. Raises botocore's ClientError and BotoCoreError."""
    page = client.list_shards(StreamName=stream_name, ShardFilter={"Type": "AT_LATEST"})
    found = list(page["Shards"])
    while "NextToken" in page:
        page = client.list_shards(NextToken=page["NextToken"])
        found += page["Shards"]
    return ShardMap(
        ShardRange(int(keys["StartingHashKey"]), int(keys["EndingHashKey"]), shard["ShardId"])
        for shard in found
        for keys in [shard["HashKeyRange"]]
    )
