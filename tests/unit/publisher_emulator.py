"""The embedded Kinesis without a wire as a publisher's client, with what may happen meanwhile, and KCL's rules for reading it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from infra.local.kinesis.operations import perform
from producers.kinesis import Progress, Publisher, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from schemas.aggregate import UserRecord, hash_key_of, split
from tests.unit.emulator_api import TOP, Api

Meanwhile = Callable[["EmulatedKinesis", int], None]


@dataclass
class EmulatedKinesis:
    """One stream. `meanwhile` happens after the records of a request were put together and before it arrives; it gets the number."""

    shards: int = 4
    meanwhile: Meanwhile = lambda _, __: None
    fails: Callable[[int, int], bool] = lambda _, __: False
    """Whether the record of this request and index fails."""
    requests: list[list[dict[str, Any]]] = field(default_factory=list)
    listings: int = 0
    slept_s: float = 0.0

    def __post_init__(self) -> None:
        self.api = Api(self.shards)

    def list_shards(self, **request: Any) -> Any:
        self.listings += 1
        return perform(self.api.region, "ListShards", request, self.api.now_ms)

    def put_records(self, **request: Any) -> Any:
        number, records = len(self.requests), request["Records"]
        self.requests.append(records)
        self.meanwhile(self, number)
        kept = [record for index, record in enumerate(records) if not self.fails(number, index)]
        answers = iter(self.api("PutRecords", Records=kept)["Records"] if kept else [])
        failed = {"ErrorCode": "InternalFailure", "ErrorMessage": "said the test"}
        return {"Records": [failed if self.fails(number, index) else next(answers) for index in range(len(records))]}

    def publisher(
        self, settings: PublisherSettings, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> Publisher:
        return Publisher(self, "s", settings=settings, sleep=self._sleep, on_progress=on_progress)

    def split(self, shard_id: str) -> None:
        first, last = self.ranges()[shard_id]
        self.api("SplitShard", ShardToSplit=shard_id, NewStartingHashKey=str((first + last) // 2))

    def merge(self, one: str, other: str) -> None:
        self.api("MergeShards", ShardToMerge=one, AdjacentShardToMerge=other)

    def ranges(self, **chosen: Any) -> dict[str, tuple[int, int]]:
        shards = self.api("ListShards", **chosen)["Shards"]
        return {shard["ShardId"]: _span(shard["HashKeyRange"]) for shard in shards}

    def open_shards(self) -> list[str]:
        """In the order of their hash keys."""
        still_open = self.ranges(ShardFilter={"Type": "AT_LATEST"})
        return sorted(still_open, key=lambda shard: still_open[shard])

    def stored(self) -> Iterator[tuple[PlacedRecord, OutgoingRecord]]:
        """Every user record, in the order of shards and of places."""
        for shard_id in sorted(self.ranges()):
            for record in self.api.read(self.api.iterator(shard_id))["Records"]:
                found = split(record["Data"])
                inside = [UserRecord(record["Data"], record["PartitionKey"])] if found is None else found
                for sub, one in enumerate(inside):
                    hash_key = None if one.explicit_hash_key is None else int(one.explicit_hash_key)
                    place = PlacedRecord(shard_id, record["SequenceNumber"], sub)
                    yield place, OutgoingRecord(one.data, one.partition_key, hash_key)

    def delivered(self) -> dict[PlacedRecord, OutgoingRecord]:
        """What KCL hands over: no record of an aggregate in which a key is not the shard's."""
        ranges, stored = self.ranges(), dict(self.stored())
        dropped = {
            (place.shard_id, place.sequence_number)
            for place, record in stored.items()
            if (place.sub_sequence or self._is_aggregate(stored, place)) and not _holds(ranges[place.shard_id], record)
        }
        return {place: r for place, r in stored.items() if (place.shard_id, place.sequence_number) not in dropped}

    def _is_aggregate(self, stored: dict[PlacedRecord, OutgoingRecord], place: PlacedRecord) -> bool:
        return place._replace(sub_sequence=1) in stored

    def _sleep(self, seconds: float) -> None:
        self.slept_s += seconds


def _span(keys: dict[str, str]) -> tuple[int, int]:
    return int(keys["StartingHashKey"]), int(keys["EndingHashKey"])


def _holds(span: tuple[int, int], record: OutgoingRecord) -> bool:
    hash_key = hash_key_of(record.partition_key) if record.hash_key is None else record.hash_key
    return span[0] <= hash_key <= span[1] <= TOP


def refused(code: str) -> ClientError:
    """What botocore raises for this code."""
    return ClientError({"Error": {"Code": code, "Message": "said the test"}}, "ListShards")
