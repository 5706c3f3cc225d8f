"""The warm start against the embedded Kinesis and DynamoDB. That KCL goes on from it is shown in test_host_daemon.py."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from consumer.kinesis.warm_start import Outcome, WarmStart, WarmStartResult
from infra.local.environment import LocalEnvironment
from tests.integration.host_control import wait_until

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    with LocalEnvironment(tmp_path_factory.mktemp("aws"), database=False) as environment:
        yield environment


@pytest.fixture
def kinesis(aws: LocalEnvironment) -> KinesisClient:
    return aws.client("kinesis")


@pytest.fixture
def dynamodb(aws: LocalEnvironment) -> DynamoDBClient:
    return aws.client("dynamodb")


def a_stream(kinesis: KinesisClient, shards: int = 2) -> str:
    name = f"events-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    wait_until_active(kinesis, name)
    return name


def wait_until_active(kinesis: KinesisClient, name: str) -> None:
    def is_active() -> bool:
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return summary["StreamStatus"] == "ACTIVE"

    wait_until(is_active, "an active stream")


def leases(dynamodb: DynamoDBClient, table: str) -> list[dict[str, object]]:
    items = dynamodb.scan(TableName=table)["Items"]
    return sorted(
        ({name: next(iter(value.values())) for name, value in item.items()} for item in items),
        key=lambda lease: str(lease["leaseKey"]),
    )


def test_each_shard_gets_a_lease_that_the_worker_owns(kinesis: KinesisClient, dynamodb: DynamoDBClient) -> None:
    stream = a_stream(kinesis)

    result = WarmStart(stream, f"{stream}-app", "worker-1").seed(dynamodb, kinesis)

    assert result == WarmStartResult(Outcome.SEEDED, shards=2)
    common = {
        "leaseOwner": "worker-1",
        "leaseCounter": "0",
        "checkpoint": "TRIM_HORIZON",
        "checkpointSubSequenceNumber": "0",
        "ownerSwitchesSinceCheckpoint": "0",
    }
    assert leases(dynamodb, f"{stream}-app") == [
        {
            **common,
            "leaseKey": "shardId-000000000000",
            "startingHashKey": "0",
            "endingHashKey": "170141183460469231731687303715884105727",
        },
        {
            **common,
            "leaseKey": "shardId-000000000001",
            "startingHashKey": "170141183460469231731687303715884105728",
            "endingHashKey": "340282366920938463463374607431768211455",
        },
    ]


def test_a_lease_table_that_exists_is_left_as_it_is(kinesis: KinesisClient, dynamodb: DynamoDBClient) -> None:
    stream = a_stream(kinesis)
    WarmStart(stream, stream, "worker-1").seed(dynamodb, kinesis)
    before = leases(dynamodb, stream)

    result = WarmStart(stream, stream, "worker-2").seed(dynamodb, kinesis)

    assert result == WarmStartResult(Outcome.TABLE_EXISTS)
    assert leases(dynamodb, stream) == before


def test_a_stream_that_was_resharded_is_left_to_kcl(kinesis: KinesisClient, dynamodb: DynamoDBClient) -> None:
    stream = a_stream(kinesis, shards=1)
    kinesis.split_shard(StreamName=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    wait_until_active(kinesis, stream)

    result = WarmStart(stream, stream, "worker-1").seed(dynamodb, kinesis)

    assert result == WarmStartResult(Outcome.RESHARDED)
    assert stream not in dynamodb.list_tables()["TableNames"]


def test_more_shards_than_one_transaction_holds_are_left_to_kcl(
    kinesis: KinesisClient, dynamodb: DynamoDBClient
) -> None:
    stream = a_stream(kinesis, shards=101)

    result = WarmStart(stream, stream, "worker-1").seed(dynamodb, kinesis)

    assert result == WarmStartResult(Outcome.TOO_MANY_SHARDS)
    assert stream not in dynamodb.list_tables()["TableNames"]


def test_of_two_that_start_at_once_one_seeds_and_the_other_does_nothing(aws: LocalEnvironment) -> None:
    stream = a_stream(aws.client("kinesis"), shards=4)

    def seed(worker_id: str) -> WarmStartResult:
        return WarmStart(stream, stream, worker_id).seed(aws.client("dynamodb"), aws.client("kinesis"))

    with ThreadPoolExecutor(4) as starters:
        outcomes = [result.outcome for result in starters.map(seed, [f"worker-{number}" for number in range(4)])]

    assert outcomes.count(Outcome.SEEDED) == 1
    assert set(outcomes) <= {Outcome.SEEDED, Outcome.LOST_RACE, Outcome.TABLE_EXISTS}
    assert len({lease["leaseOwner"] for lease in leases(aws.client("dynamodb"), stream)}) == 1
