"""Enhanced fan-out over the wire, read by boto3's own event stream parser."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from infra.local.environment import LocalEnvironment
from tests.integration.kinesis_steps import FIRST

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    with LocalEnvironment(tmp_path_factory.mktemp("aws"), database=False) as environment:
        yield environment


class FanOut:
    """A stream of one shard with one registered consumer."""

    def __init__(self, aws: LocalEnvironment, name: str) -> None:
        self.name = name
        self.kinesis: KinesisClient = aws.client("kinesis")
        self.kinesis.create_stream(StreamName=name, ShardCount=1)
        summary = self.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        self.stream_arn = summary["StreamARN"]
        consumer = self.kinesis.register_stream_consumer(StreamARN=self.stream_arn, ConsumerName="c")["Consumer"]
        self.arn = consumer["ConsumerARN"]

    def put(self, data: bytes) -> str:
        return self.kinesis.put_record(StreamName=self.name, Data=data, PartitionKey="k")["SequenceNumber"]

    def subscribe(self, kind: str = "TRIM_HORIZON", **start: Any) -> Any:
        position: Any = {"Type": kind, **start}
        answer = self.kinesis.subscribe_to_shard(ConsumerARN=self.arn, ShardId=FIRST, StartingPosition=position)
        return answer["EventStream"]

    def end(self, data: bytes) -> str:
        """Put a last record and split the shard."""
        number = self.put(data)
        self.kinesis.split_shard(StreamName=self.name, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
        return number


@pytest.fixture
def fan_out(aws: LocalEnvironment) -> FanOut:
    return FanOut(aws, f"fan-out-{uuid.uuid4().hex}")


def events(stream: Any) -> Iterator[Any]:
    return (event["SubscribeToShardEvent"] for event in stream)


def test_records_are_pushed_as_they_arrive_and_the_end_of_the_shard_ends_the_subscription(fan_out: FanOut) -> None:
    given = [fan_out.put(b"before")]
    with closing(fan_out.subscribe()) as stream, ThreadPoolExecutor(1) as beside:
        pushed = events(stream)
        seen = [next(pushed)]
        given.append(beside.submit(fan_out.end, bytes(range(256))).result())
        seen += list(pushed)
    records = [record for event in seen for record in event["Records"]]
    assert [record["Data"] for record in records] == [b"before", bytes(range(256))]
    assert [record["SequenceNumber"] for record in records] == given
    assert seen[0]["ContinuationSequenceNumber"] == given[0]
    children = seen[-1]["ChildShards"]
    assert [child["ParentShards"] for child in children] == [[FIRST], [FIRST]]
    assert "ContinuationSequenceNumber" not in seen[-1]


def test_a_second_subscription_at_once_is_refused_and_a_made_up_consumer_not_found(fan_out: FanOut) -> None:
    with closing(fan_out.subscribe("LATEST")):
        with pytest.raises(fan_out.kinesis.exceptions.ResourceInUseException):
            fan_out.subscribe("LATEST")
        fan_out.arn += "1"
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            fan_out.subscribe("LATEST")


def test_a_deregistered_consumer_s_subscription_ends_and_an_idle_one_shows_that_it_lives(fan_out: FanOut) -> None:
    with closing(fan_out.subscribe("AT_TIMESTAMP", Timestamp=time.time())) as stream:
        pushed = events(stream)
        alive = next(pushed)
        fan_out.kinesis.deregister_stream_consumer(ConsumerARN=fan_out.arn)
        rest = list(pushed)
    assert (alive["Records"], alive["MillisBehindLatest"]) == ([], 0)
    assert rest == []
    assert fan_out.kinesis.list_stream_consumers(StreamARN=fan_out.stream_arn)["Consumers"] == []
