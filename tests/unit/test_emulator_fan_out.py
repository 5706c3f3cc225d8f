"""Enhanced fan-out in the Kinesis emulator: consumers, subscriptions and how their events are framed; time is an argument."""

import struct
import zlib
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from infra.local.kinesis.consumer import Push, Subscription
from infra.local.kinesis.consumer_operations import describe_push
from infra.local.kinesis.errors import (
    InvalidArgumentException,
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from infra.local.kinesis.event_stream import encode_event
from infra.local.kinesis.operations import perform, subscribe
from tests.unit.emulator_api import FIRST, NOW, Api

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


def registered(api: Api, name: str = "c") -> str:
    answer = perform(api.region, "RegisterStreamConsumer", {"StreamARN": ARN, "ConsumerName": name}, api.now_ms)
    return str(answer["Consumer"]["ConsumerARN"])


def subscription(api: Api, arn: str, kind: str = "TRIM_HORIZON", **start: Any) -> Subscription:
    request = {"ConsumerARN": arn, "ShardId": FIRST, "StartingPosition": {"Type": kind, **start}}
    return subscribe(api.region, request, api.now_ms)[1]


def taken(api: Api, subscribed: Subscription) -> Push:
    push = subscribed.take(api.now_ms)
    assert push
    return push


def data(push: Push) -> list[bytes]:
    return [record.data for record in push.records]


def test_a_consumer_is_registered_described_listed_and_deregistered() -> None:
    api = Api()
    arns = [registered(api, name) for name in ("b", "a", "c")]
    assert api("DescribeStreamSummary")["StreamDescriptionSummary"]["ConsumerCount"] == 3
    for members in ({"ConsumerARN": arns[0]}, {"StreamARN": ARN, "ConsumerName": "b"}):
        described = perform(api.region, "DescribeStreamConsumer", members, NOW)["ConsumerDescription"]
        assert (described["ConsumerARN"], described["StreamARN"], described["ConsumerStatus"]) == (
            arns[0],
            ARN,
            "ACTIVE",
        )
    page = perform(api.region, "ListStreamConsumers", {"StreamARN": ARN, "MaxResults": 2}, NOW)
    rest = perform(api.region, "ListStreamConsumers", {"StreamARN": ARN, "NextToken": page["NextToken"]}, NOW)
    assert [one["ConsumerName"] for one in page["Consumers"] + rest["Consumers"]] == ["a", "b", "c"]
    assert "NextToken" not in rest
    perform(api.region, "DeregisterStreamConsumer", {"ConsumerARN": arns[0]}, NOW)
    with pytest.raises(ResourceNotFoundException):
        perform(api.region, "DescribeStreamConsumer", {"ConsumerARN": arns[0]}, NOW)


def test_a_consumer_that_cannot_be_is_refused() -> None:
    api = Api()
    for number in range(20):
        registered(api, f"c{number}")
    with pytest.raises(ResourceInUseException):
        registered(api, "c0")
    with pytest.raises(LimitExceededException):
        registered(api, "one-more")
    with pytest.raises(InvalidArgumentException):
        perform(api.region, "DescribeStreamConsumer", {"StreamARN": ARN}, NOW)


def test_a_stream_with_consumers_goes_only_with_them() -> None:
    api = Api()
    running = subscription(api, registered(api))
    with pytest.raises(ResourceInUseException):
        api("DeleteStream")
    assert not running.is_over(NOW)
    api("DeleteStream", EnforceConsumerDeletion=True)
    assert running.is_over(NOW)


def test_records_are_taken_once_and_the_continuation_is_the_last_of_them() -> None:
    api = Api()
    first = api.put(data=b"a")["SequenceNumber"]
    running = subscription(api, registered(api))
    api.now_ms += 7
    push = taken(api, running)
    assert (data(push), push.continuation, push.millis_behind_latest) == ([b"a"], first, 0)
    assert running.take(api.now_ms) is None
    api.put(data=b"b")
    assert data(taken(api, running)) == [b"b"]


def test_a_subscription_goes_on_after_the_continuation_of_the_one_before_even_where_that_saw_nothing() -> None:
    api = Api()
    arn = registered(api)
    idle = subscription(api, arn).state(api.now_ms, [])
    assert idle.records == []
    api.put(data=b"a")
    api.now_ms += 5_000
    second = subscription(api, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=idle.continuation)
    seen = taken(api, second)
    assert data(seen) == [b"a"]
    api.put(data=b"b")
    api.now_ms += 5_000
    third = subscription(api, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=seen.continuation)
    assert data(taken(api, third)) == [b"b"]


def test_a_second_subscription_waits_five_seconds_and_then_takes_over() -> None:
    api = Api()
    arn = registered(api)
    first = subscription(api, arn)
    api.now_ms += 4_999
    with pytest.raises(ResourceInUseException):
        subscription(api, arn)
    subscription(api, registered(api, "another-consumer"))
    api.now_ms += 1
    second = subscription(api, arn)
    assert (first.is_over(api.now_ms), second.is_over(api.now_ms)) == (True, False)


def test_a_subscription_ends_after_five_minutes_or_with_its_consumer() -> None:
    api = Api()
    arn = registered(api)
    running = subscription(api, arn)
    assert not running.is_over(NOW + 299_999)
    assert running.is_over(NOW + 300_000)
    perform(api.region, "DeregisterStreamConsumer", {"ConsumerARN": arn}, NOW)
    assert running.is_over(NOW)
    with pytest.raises(ResourceNotFoundException):
        subscription(api, arn)


def test_the_end_of_a_shard_names_its_children_and_nowhere_to_go_on() -> None:
    api = Api()
    api.put(data=b"last")
    running = subscription(api, registered(api))
    api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    assert data(taken(api, running)) == [b"last"]
    end = describe_push(taken(api, running), api.region.stream("s", NOW), running)
    assert [child["ShardId"][-1] for child in end["ChildShards"]] == ["1", "2"]
    assert "ContinuationSequenceNumber" not in end
    assert running.is_over(api.now_ms)


def test_whoever_listens_to_a_shard_hears_of_records_of_its_end_and_of_being_taken_over() -> None:
    api = Api()
    running = subscription(api, registered(api))
    heard: list[str] = []
    running.shard.listeners.add(lambda: heard.append("news"))
    api.put()
    assert len(heard) == 1
    running.end()
    assert len(heard) == 2
    api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    assert len(heard) == 3


def test_a_large_backlog_comes_in_events_of_a_mebibyte() -> None:
    api = Api()
    for _ in range(5):
        api.put(data=bytes(400_000))
    running = subscription(api, registered(api))
    assert [len(taken(api, running).records) for _ in range(3)] == [2, 2, 1]


def test_an_event_is_framed_as_botocore_reads_it() -> None:
    framed = encode_event("SubscribeToShardEvent", "application/x-amz-json-1.1", b'{"Records":[]}')
    buffer = EventStreamBuffer()
    buffer.add_data(framed)
    (message,) = list(buffer)
    headers: Any = message.headers
    assert headers == {
        ":event-type": "SubscribeToShardEvent",
        ":content-type": "application/x-amz-json-1.1",
        ":message-type": "event",
    }
    assert message.payload == b'{"Records":[]}'
    assert struct.unpack(">I", framed[:4])[0] == len(framed)
    assert struct.unpack(">I", framed[-4:])[0] == zlib.crc32(framed[:-4])
