"""Warm start: the lease table made and filled before the daemon looks, so that a first start takes 6 s instead of 30 to 50.

Kept apart because it writes in KCL's place: once, into a table that did not exist, and only for a stream never resharded.
The items are what KCL 3.1.3 itself writes for a fresh shard; its two other tables are left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol

_ITEMS_IN_A_TRANSACTION = 100
_OWNER_INDEX = "LeaseOwnerToLeaseKeyIndex"


class DynamoDB(Protocol):
    """What is used of boto3's DynamoDB client. Callables as properties: the stubs' keyword types fit no plain method."""

    @property
    def exceptions(self) -> Any:
        """Hold the client's exception classes."""

    @property
    def describe_table(self) -> Callable[..., Any]:
        """Raise ResourceNotFoundException where there is no such table."""

    @property
    def create_table(self) -> Callable[..., Any]:
        """Raise ResourceInUseException where there is one already."""

    @property
    def get_waiter(self) -> Callable[..., Any]:
        """Give `table_exists`, which waits until the table is active."""

    @property
    def transact_write_items(self) -> Callable[..., Any]:
        """Write all items or none; raise TransactionCanceledException where a condition fails."""


class Kinesis(Protocol):
    """What is used of boto3's Kinesis client."""

    @property
    def list_shards(self) -> Callable[..., Any]:
        """Return one page of shards, and NextToken where there are more."""


class Outcome(Enum):
    """What became of the warm start. Everything but SEEDED leaves the start to KCL alone, which is safe and slower."""

    SEEDED = "the lease table was made, with one lease a shard"
    TABLE_EXISTS = "the lease table exists: the application has run before"
    RESHARDED = "the stream was resharded: only KCL knows which parents are still to be read"
    TOO_MANY_SHARDS = "more than 100 shards do not fit into one transaction, and half a lease table is worse than none"
    LOST_RACE = "somebody else made the lease table at the same moment"


@dataclass(frozen=True, slots=True)
class WarmStartResult:
    """What was done; `shards` counts the leases written."""

    outcome: Outcome
    shards: int = 0


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Whose leases to write. `worker_id` becomes their owner, so it must be the id that the daemon starts under."""

    stream_name: str
    application_name: str
    worker_id: str
    initial_position: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] = "TRIM_HORIZON"

    def seed(self, dynamodb: DynamoDB, kinesis: Kinesis) -> WarmStartResult:
        """Make and fill the lease table where that is safe. May be called again, and by several at once.

        A crash between table and items leaves an empty table: then KCL starts as slowly as ever, and rightly.
        """
        if self._table_exists(dynamodb):
            return WarmStartResult(Outcome.TABLE_EXISTS)
        shards = _all_shards(kinesis, self.stream_name)
        if any(_is_resharded(shard) for shard in shards):
            return WarmStartResult(Outcome.RESHARDED)
        if len(shards) > _ITEMS_IN_A_TRANSACTION:
            return WarmStartResult(Outcome.TOO_MANY_SHARDS)
        return self._create_and_fill(dynamodb, shards)

    def _table_exists(self, dynamodb: DynamoDB) -> bool:
        try:
            dynamodb.describe_table(TableName=self.application_name)
        except dynamodb.exceptions.ResourceNotFoundException:
            return False
        return True

    def _create_and_fill(self, dynamodb: DynamoDB, shards: Sequence[Mapping[str, Any]]) -> WarmStartResult:
        try:
            dynamodb.create_table(**_table(self.application_name))
        except dynamodb.exceptions.ResourceInUseException:
            return WarmStartResult(Outcome.LOST_RACE)
        dynamodb.get_waiter("table_exists").wait(TableName=self.application_name, WaiterConfig={"Delay": 1})
        try:
            dynamodb.transact_write_items(TransactItems=[self._put(shard) for shard in shards])
        except dynamodb.exceptions.TransactionCanceledException:  # a daemon was faster with a lease of its own
            return WarmStartResult(Outcome.LOST_RACE)
        return WarmStartResult(Outcome.SEEDED, len(shards))

    def _put(self, shard: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self.application_name,
                "Item": self._lease(shard),
                "ConditionExpression": "attribute_not_exists(leaseKey)",
            }
        }

    def _lease(self, shard: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "leaseKey": {"S": shard["ShardId"]},
            "leaseOwner": {"S": self.worker_id},
            "leaseCounter": {"N": "0"},
            "checkpoint": {"S": self.initial_position},
            "checkpointSubSequenceNumber": {"N": "0"},
            "ownerSwitchesSinceCheckpoint": {"N": "0"},
            "startingHashKey": {"S": shard["HashKeyRange"]["StartingHashKey"]},
            "endingHashKey": {"S": shard["HashKeyRange"]["EndingHashKey"]},
        }


def _all_shards(kinesis: Kinesis, stream_name: str) -> list[Mapping[str, Any]]:
    page = kinesis.list_shards(StreamName=stream_name)
    shards = list(page["Shards"])
    while token := page.get("NextToken"):
        page = kinesis.list_shards(NextToken=token)
        shards += page["Shards"]
    return shards


def _is_resharded(shard: Mapping[str, Any]) -> bool:
    return "ParentShardId" in shard or "EndingSequenceNumber" in shard["SequenceNumberRange"]


def _table(name: str) -> dict[str, Any]:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "leaseKey", "AttributeType": "S"},
            {"AttributeName": "leaseOwner", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": _OWNER_INDEX,
                "KeySchema": [
                    {"AttributeName": "leaseOwner", "KeyType": "HASH"},
                    {"AttributeName": "leaseKey", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }
