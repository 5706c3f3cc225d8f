"""Operations on registered consumers, and the one that begins a subscription. A consumer is active as soon as it is registered."""

from infra.local.kinesis.call import Call
from infra.local.kinesis.consumer import Consumer, Push, Subscription
from infra.local.kinesis.documents import Document, describe_child
from infra.local.kinesis.errors import (
    InvalidArgumentException,
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from infra.local.kinesis.positions import Position
from infra.local.kinesis.stream import ACCOUNT_ID, Stream
from infra.local.kinesis.wire import Moment

_CONSUMERS_AT_MOST = 20
_PAGE = 100


def register_stream_consumer(call: Call) -> Document:
    """RegisterStreamConsumer."""
    stream, name = call.stream, call.members["ConsumerName"]
    if name in stream.consumers:
        raise ResourceInUseException(f"Consumer {name} under stream {stream.arn} already exists.")
    if len(stream.consumers) == _CONSUMERS_AT_MOST:
        raise LimitExceededException(f"Stream {stream.arn} has {_CONSUMERS_AT_MOST} consumers, the most that it may.")
    arn = f"{stream.arn}/consumer/{name}:{call.now_ms // 1000}"
    stream.consumers[name] = Consumer(name, arn, call.now_ms)
    return {"Consumer": _describe(stream.consumers[name])}


def describe_stream_consumer(call: Call) -> Document:
    """DescribeStreamConsumer, by ARN or by stream and name."""
    stream, consumer = _consumer(call)
    return {"ConsumerDescription": {**_describe(consumer), "StreamARN": stream.arn}}


def list_stream_consumers(call: Call) -> Document:
    """ListStreamConsumers in the order of names; the token is the last one."""
    after = call.members.get("NextToken", "")
    consumers = [consumer for name, consumer in sorted(call.stream.consumers.items()) if name > after]
    page = consumers[: call.members.get("MaxResults", _PAGE)]
    token = {"NextToken": page[-1].name} if len(page) < len(consumers) else {}
    return {"Consumers": [_describe(consumer) for consumer in page], **token}


def deregister_stream_consumer(call: Call) -> Document:
    """DeregisterStreamConsumer; its subscriptions end."""
    stream, consumer = _consumer(call)
    del stream.consumers[consumer.name]
    consumer.end()
    return {}


def subscribe_to_shard(call: Call) -> Subscription:
    """SubscribeToShard: the answer is not a document, but goes on for minutes."""
    stream, consumer = _consumer(call)
    shard, start = stream.shard(call.members["ShardId"]), call.members["StartingPosition"]
    position = Position(start["Type"], start.get("SequenceNumber"), start.get("Timestamp"))
    return consumer.subscribe(shard, position.first_number(stream, shard, call.now_ms), call.now_ms)


def describe_push(push: Push, stream: Stream, subscription: Subscription) -> Document:
    """Write the API's ``SubscribeToShardEvent``; at the end of a shard it names the children and nowhere to go on."""
    event: Document = {"Records": push.records, "MillisBehindLatest": push.millis_behind_latest}
    if push.continuation is None:
        return {**event, "ChildShards": [describe_child(child) for child in stream.children(subscription.shard)]}
    return {**event, "ContinuationSequenceNumber": push.continuation}


def _consumer(call: Call) -> tuple[Stream, Consumer]:
    members = call.members
    arn, name = members.get("ConsumerARN"), members.get("ConsumerName")
    if arn is None and name is None:
        raise InvalidArgumentException("Neither ConsumerARN nor StreamARN and ConsumerName are given.")
    stream = call.region.named_in({"StreamARN": arn or members.get("StreamARN")}, call.now_ms)
    for consumer in stream.consumers.values():
        if arn in (None, consumer.arn) and name in (None, consumer.name):
            return stream, consumer
    raise ResourceNotFoundException(f"Consumer {arn or name} under account {ACCOUNT_ID} not found.")


def _describe(consumer: Consumer) -> Document:
    return {
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer.arn,
        "ConsumerStatus": "ACTIVE",
        "ConsumerCreationTimestamp": Moment(consumer.created_ms),
    }
