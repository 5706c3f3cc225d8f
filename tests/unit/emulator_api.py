"""A region of the Kinesis emulator whose clock is set by hand."""

from typing import Any

import msgspec

from infra.local.kinesis.operations import perform
from infra.local.kinesis.region import Region

NOW = 1_750_000_000_000
HOUR = 3_600_000
TOP = 2**128 - 1
STREAM = {"StreamName": "s"}
FIRST = "shardId-000000000000"


class Api:
    """Has one stream, ``s``; the operations are called by name, without a wire."""

    def __init__(self, shards: int = 1) -> None:
        self.region, self.now_ms = Region("us-east-1"), NOW
        self("CreateStream", ShardCount=shards)

    def __call__(self, operation: str, **members: Any) -> Any:
        return perform(self.region, operation, {**STREAM, **members}, self.now_ms)

    def put(self, key: str = "k", data: bytes = b"x", **members: Any) -> Any:
        return self("PutRecord", PartitionKey=key, Data=data, **members)

    def iterator(self, shard: str = FIRST, kind: str = "TRIM_HORIZON", **members: Any) -> str:
        answer = self("GetShardIterator", ShardId=shard, ShardIteratorType=kind, **members)
        return str(answer["ShardIterator"])

    def read(self, iterator: str, **members: Any) -> Any:
        answer = perform(self.region, "GetRecords", {"ShardIterator": iterator, **members}, self.now_ms)
        return msgspec.to_builtins(answer, builtin_types=(bytes,))

    def data(self, iterator: str) -> list[bytes]:
        return [record["Data"] for record in self.read(iterator)["Records"]]

    def shard_ids(self, kind: str | None = None, **members: Any) -> list[str]:
        chosen = {"ShardFilter": {"Type": kind, **members}} if kind else {}
        return [shard["ShardId"][-1] for shard in self("ListShards", **chosen)["Shards"]]
