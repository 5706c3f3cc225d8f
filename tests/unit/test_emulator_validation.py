"""What the Kinesis emulator refuses, and how it says so."""

from typing import Any

import pytest

from infra.local.kinesis.errors import (
    InvalidArgumentException,
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
    SerializationException,
    UnknownOperationException,
    ValidationException,
)
from tests.unit.emulator_api import FIRST, NOW, TOP, Api


@pytest.mark.parametrize(
    ("operation", "hours"),
    [
        ("IncreaseStreamRetentionPeriod", 23),
        ("IncreaseStreamRetentionPeriod", 8761),
        ("DecreaseStreamRetentionPeriod", 25),
    ],
)
def test_a_retention_outside_the_bounds_is_refused(operation: str, hours: int) -> None:
    with pytest.raises(InvalidArgumentException, match=f"{hours} hours"):
        Api()(operation, RetentionPeriodHours=hours)


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "AT_SEQUENCE_NUMBER"},
        {"kind": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "5"},
        {"kind": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "9" * 57},
        {"kind": "AT_TIMESTAMP"},
        {"kind": "AT_TIMESTAMP", "Timestamp": (NOW + 1) / 1000},
    ],
)
def test_an_iterator_that_cannot_start_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentException):
        Api().iterator(**members)


@pytest.mark.parametrize("hash_key", ["0", "1", str(TOP), str(TOP + 1)])
def test_a_split_outside_the_shard_is_refused(hash_key: str) -> None:
    api = Api()
    with pytest.raises(InvalidArgumentException):
        api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey=hash_key)
    assert api.shard_ids() == ["0"]


@pytest.mark.parametrize("kind", ["AFTER_SHARD_ID", "AT_TIMESTAMP", "FROM_TIMESTAMP"])
def test_a_filter_without_its_value_is_refused(kind: str) -> None:
    with pytest.raises(InvalidArgumentException):
        Api().shard_ids(kind)


@pytest.mark.parametrize("text", ["bogus", "Ym9ndXM=", ""])
def test_an_iterator_that_was_never_issued_is_refused(text: str) -> None:
    with pytest.raises((InvalidArgumentException, ValidationException)):
        Api().read(text)


def test_a_batch_with_one_impossible_record_leaves_no_trace() -> None:
    api = Api()
    good: dict[str, Any] = {"Data": b"x", "PartitionKey": "k"}
    for bad in ({**good, "ExplicitHashKey": str(TOP + 1)}, {**good, "Data": bytes(1 << 20)}, {"Data": b"x"}):
        with pytest.raises((InvalidArgumentException, ValidationException)):
            api("PutRecords", Records=[good, bad])
    assert api.data(api.iterator()) == []


def test_a_record_with_its_key_may_have_the_stream_s_record_size_and_no_more() -> None:
    api = Api()
    api.put(key="k", data=bytes((1 << 20) - 1))
    with pytest.raises(ValidationException, match="1048576"):
        api.put(key="kk", data=bytes((1 << 20) - 1))


def test_a_batch_may_have_ten_mebibytes_and_no_more() -> None:
    api = Api()
    entry = {"Data": bytes((1 << 20) - 1), "PartitionKey": "k"}
    assert api("PutRecords", Records=[entry] * 10)["FailedRecordCount"] == 0
    with pytest.raises(InvalidArgumentException):
        api("PutRecords", Records=[*[entry] * 10, {"Data": b"", "PartitionKey": "k"}])


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        (
            "CreateStream",
            {"StreamName": "a b"},
            "Value 'a b' at 'streamName' failed to satisfy constraint: Member must sat",
        ),
        ("CreateStream", {"StreamName": "a" * 129}, "have length less than or equal to 128"),
        ("CreateStream", {"StreamName": "x", "ShardCount": 0}, "have value greater than or equal to 1"),
        ("PutRecords", {"Records": []}, "have length greater than or equal to 1"),
        (
            "PutRecords",
            {"Records": [{"Data": b"", "PartitionKey": "k"}] * 501},
            "have length less than or equal to 500",
        ),
        (
            "PutRecord",
            {"PartitionKey": "k"},
            "Value null at 'data' failed to satisfy constraint: Member must not be null",
        ),
        ("PutRecord", {"PartitionKey": "k" * 257, "Data": b""}, "have length less than or equal to 256"),
        ("GetShardIterator", {"ShardId": FIRST, "ShardIteratorType": "X"}, "enum value set: "),
        ("UpdateShardCount", {"TargetShardCount": 0, "ScalingType": "UNIFORM_SCALING"}, "greater than or equal to 1"),
        ("UpdateShardCount", {"TargetShardCount": 2, "ScalingType": "ODD"}, "enum value set: [UNIFORM_SCALING]"),
        (
            "GetRecords",
            {"ShardIterator": "x", "Limit": 10_001},
            "Value '10001' at 'limit' failed to satisfy constraint",
        ),
    ],
)
def test_a_broken_constraint_is_named_as_aws_names_it(operation: str, members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        Api()(operation, **members)
    assert message in str(caught.value)
    assert str(caught.value).startswith("1 validation error detected: ")


def test_all_broken_constraints_are_named_at_once() -> None:
    with pytest.raises(ValidationException, match=r"^2 validation errors detected"):
        Api()("SplitShard", ShardToSplit="a b", NewStartingHashKey="x")


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("CreateStream", {"ShardCount": "1"}),
        ("CreateStream", {"StreamName": 1}),
        ("PutRecords", {"Records": {}}),
        ("PutRecords", {"Records": ["x"]}),
        ("PutRecord", {"PartitionKey": "k", "Data": "not base64!"}),
        ("AddTagsToStream", {"Tags": []}),
        ("GetShardIterator", {"ShardId": FIRST, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": "now"}),
        ("DeleteStream", {"EnforceConsumerDeletion": "yes"}),
    ],
)
def test_a_member_of_the_wrong_type_is_refused(operation: str, members: dict[str, Any]) -> None:
    with pytest.raises(SerializationException):
        Api()(operation, **members)


@pytest.mark.parametrize("operation", ["StartStreamEncryption", "Nonsense", ""])
def test_an_operation_that_is_not_here_is_unknown(operation: str) -> None:
    with pytest.raises(UnknownOperationException):
        Api()(operation)


def test_what_does_not_exist_is_not_found_and_what_exists_is_in_use() -> None:
    api = Api()
    with pytest.raises(ResourceNotFoundException, match="Stream nope under account"):
        api("DescribeStream", StreamName="nope")
    with pytest.raises(ResourceNotFoundException, match="does not exist"):
        api.iterator("shardId-000000000009")
    with pytest.raises(ResourceInUseException):
        api("CreateStream", ShardCount=1)


def test_no_more_shards_are_opened_than_an_account_may_have() -> None:
    api = Api(shards=250)
    with pytest.raises(LimitExceededException, match="additional shards that would have resulted: 251"):
        api("CreateStream", StreamName="huge", ShardCount=251)
    api("CreateStream", StreamName="big", ShardCount=250)
    api("CreateStream", StreamName="on-demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    for operation, members in (
        ("SplitShard", {"ShardToSplit": FIRST, "NewStartingHashKey": "100"}),
        ("UpdateShardCount", {"TargetShardCount": 251, "ScalingType": "UNIFORM_SCALING"}),
    ):
        with pytest.raises(LimitExceededException):
            api(operation, **members)
    api("UpdateShardCount", TargetShardCount=125, ScalingType="UNIFORM_SCALING")
    api("SplitShard", ShardToSplit="shardId-000000000250", NewStartingHashKey="100")


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("SplitShard", {"ShardToSplit": FIRST, "NewStartingHashKey": "100"}),
        ("MergeShards", {"ShardToMerge": FIRST, "AdjacentShardToMerge": "shardId-000000000001"}),
        ("UpdateShardCount", {"TargetShardCount": 5, "ScalingType": "UNIFORM_SCALING"}),
    ],
)
def test_nobody_reshards_a_stream_on_demand(operation: str, members: dict[str, Any]) -> None:
    api = Api()
    api("CreateStream", StreamName="o", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    with pytest.raises(ValidationException, match="is in On-Demand mode"):
        api(operation, StreamName="o", **members)
