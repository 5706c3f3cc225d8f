"""What a Kinesis endpoint has to do, over every wire that the system's clients use. Nothing here knows the emulator."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local.clients import Clients
from infra.local.environment import LocalEnvironment
from tests.integration.kinesis_callers import Boto3Caller, Caller, H2Caller, Refused
from tests.integration.kinesis_differences import DIFFERENCES, TOO_SLOW
from tests.integration.kinesis_local import kinesis_local
from tests.integration.kinesis_steps import FIRST, a_stream, data, drain, gone, iterator, put, settle, walk

pytestmark = pytest.mark.real

TOP = 2**128 - 1
WIRES = ["ours over http/1.1 json", "ours over h2c json", "ours over h2c cbor", "theirs over http/1.1 json"]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of our emulator."""
    with LocalEnvironment(tmp_path_factory.mktemp("ours"), database=False) as environment:
        yield environment.aws_port


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of kinesis-local."""
    with kinesis_local(tmp_path_factory.mktemp("theirs")) as port:
        yield port


@pytest.fixture(autouse=True)
def _expect_differences(request: pytest.FixtureRequest) -> None:
    if "[theirs" not in request.node.name:
        return
    if reason := TOO_SLOW.get(request.node.originalname):
        pytest.skip(f"kinesis-local {reason}")
    for step, difference in DIFFERENCES.items():
        test, _, case = step.partition("[")
        if request.node.originalname == test and request.node.name.endswith(case):
            reason = f"kinesis-local {difference.it_does}; AWS: {difference.aws_says}"
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture(params=["ours", "theirs"])
def port(request: pytest.FixtureRequest) -> int:
    """The port of either."""
    return int(request.getfixturevalue(request.param))


@pytest.fixture(params=WIRES)
def call(request: pytest.FixtureRequest) -> Iterator[Caller]:
    subject, _, protocol = request.param.partition(" over ")
    port = request.getfixturevalue(subject)
    if protocol == "http/1.1 json":
        client = Clients(port).client("kinesis")
        yield Boto3Caller(client)
        client.close()
        return
    caller = H2Caller(port, cbor=protocol.endswith("cbor"))
    yield caller
    caller.close()


@pytest.fixture
def stream(call: Caller) -> str:
    return a_stream(call, shards=1)


def test_data_comes_back_as_it_went_in(call: Caller, stream: str) -> None:
    before_ms = round(time.time() * 1000) - 1000
    sequence_number = put(call, stream, bytes(range(256)))[0]
    (record,), answer = drain(call, iterator(call, stream))
    assert (record["Data"], record["PartitionKey"]) == (bytes(range(256)), "k0")
    assert record["SequenceNumber"] == sequence_number
    assert before_ms <= record["ApproximateArrivalTimestamp"] <= round(time.time() * 1000) + 1000
    assert answer["MillisBehindLatest"] == 0


def test_a_batch_is_routed_by_md5_and_keeps_its_order_in_each_shard(call: Caller) -> None:
    stream = a_stream(call, shards=4)
    records = [{"Data": b"%d" % number, "PartitionKey": f"card-{number % 97}"} for number in range(500)]
    answer = call("PutRecords", StreamName=stream, Records=records)
    assert (answer["FailedRecordCount"], len(answer["Records"])) == (0, 500)
    shards = {s["ShardId"]: s["HashKeyRange"] for s in call("ListShards", StreamName=stream)["Shards"]}
    for record, result in zip(records, answer["Records"], strict=True):
        keys = shards[result["ShardId"]]
        digest = int(hashlib.md5(str(record["PartitionKey"]).encode(), usedforsecurity=False).hexdigest(), 16)
        assert int(keys["StartingHashKey"]) <= digest <= int(keys["EndingHashKey"])
    for shard in shards:
        read, _ = drain(call, iterator(call, stream, shard=shard))
        numbers = [int(record["SequenceNumber"]) for record in read]
        assert numbers == sorted(set(numbers))
        assert [int(record["Data"]) for record in read] == sorted(int(record["Data"]) for record in read)


def test_each_start_of_an_iterator_begins_where_it_says(call: Caller, stream: str) -> None:
    numbers = put(call, stream, b"a", b"b", b"c")
    latest = iterator(call, stream, "LATEST")
    assert data(call, iterator(call, stream, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])) == [b"b", b"c"]
    assert data(call, iterator(call, stream, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])) == [b"c"]
    arrived_ms = drain(call, iterator(call, stream))[0][-1]["ApproximateArrivalTimestamp"]
    assert b"c" in data(call, iterator(call, stream, "AT_TIMESTAMP", Timestamp=arrived_ms))
    time.sleep(0.02)
    after_ms = arrived_ms + 10
    put(call, stream, b"d")
    assert data(call, iterator(call, stream, "AT_TIMESTAMP", Timestamp=after_ms)) == [b"d"]
    assert data(call, latest) == [b"d"]


def test_a_split_closes_the_parent_and_its_end_names_the_children(call: Caller, stream: str) -> None:
    put(call, stream, b"old")
    call("SplitShard", StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    settle(call, stream)
    parent, *children = call("ListShards", StreamName=stream)["Shards"]
    assert parent["SequenceNumberRange"]["EndingSequenceNumber"]
    assert [child["ParentShardId"] for child in children] == [FIRST, FIRST]
    records, end = drain(call, iterator(call, stream))
    assert [record["Data"] for record in records] == [b"old"]
    assert {child["ShardId"] for child in end["ChildShards"]} == {child["ShardId"] for child in children}
    assert all(child["ParentShards"] == [FIRST] and child["HashKeyRange"] for child in end["ChildShards"])
    later = call("PutRecord", StreamName=stream, PartitionKey="k", Data=b"new")
    assert later["ShardId"] in {child["ShardId"] for child in children}
    assert int(later["SequenceNumber"]) > int(parent["SequenceNumberRange"]["EndingSequenceNumber"])


def test_a_merge_gives_one_child_with_two_parents(call: Caller) -> None:
    stream = a_stream(call, shards=2)
    call("MergeShards", StreamName=stream, ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000001")
    settle(call, stream)
    child = call("ListShards", StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"][0]
    assert {child["ParentShardId"], child["AdjacentParentShardId"]} == {FIRST, "shardId-000000000001"}
    assert child["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(TOP)}


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 2), (2, 3), (3, 2)])
def test_scaling_ends_with_shards_of_one_size_and_known_parents(call: Caller, before: int, after: int) -> None:
    stream = a_stream(call, shards=before)
    put(call, stream, *[b"%d" % number for number in range(20)])
    answer = call("UpdateShardCount", StreamName=stream, TargetShardCount=after, ScalingType="UNIFORM_SCALING")
    assert (answer["StreamName"], answer["CurrentShardCount"], answer["TargetShardCount"]) == (stream, before, after)
    settle(call, stream)
    shards = {shard["ShardId"]: shard for shard in call("ListShards", StreamName=stream)["Shards"]}
    now_open = call("ListShards", StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    sizes = [int(s["HashKeyRange"]["EndingHashKey"]) - int(s["HashKeyRange"]["StartingHashKey"]) for s in now_open]
    assert (len(sizes), max(sizes) - min(sizes) < 2**66, sum(sizes) + after) == (after, True, 2**128)
    generations = walk(call, stream, [f"shardId-{number:012d}" for number in range(before)])
    assert set(generations) == set(shards)
    assert {shard for shard, records in generations.items() if records is None} == {s["ShardId"] for s in now_open}
    assert sum(records or 0 for records in generations.values()) == 20


@pytest.mark.parametrize(
    "kind", ["AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP"]
)
def test_every_filter_shows_the_shards_of_a_young_stream(call: Caller, stream: str, kind: str) -> None:
    members = {"Timestamp": round(time.time() * 1000)} if kind.endswith("_TIMESTAMP") else {}
    shards = call("ListShards", StreamName=stream, ShardFilter={"Type": kind, **members})["Shards"]
    assert [shard["ShardId"] for shard in shards] == [FIRST]


def test_shards_come_in_pages(call: Caller) -> None:
    stream = a_stream(call, shards=5)
    answer = call("ListShards", StreamName=stream, MaxResults=2)
    shards = answer["Shards"]
    while token := answer.get("NextToken"):
        answer = call("ListShards", NextToken=token, MaxResults=2)
        shards += answer["Shards"]
    assert [shard["ShardId"] for shard in shards] == [f"shardId-{number:012d}" for number in range(5)]
    after = call(
        "ListShards", StreamName=stream, ShardFilter={"Type": "AFTER_SHARD_ID", "ShardId": shards[2]["ShardId"]}
    )
    assert after["Shards"] == shards[3:]


def test_ten_mebibytes_go_in_and_come_out_in_one_call(call: Caller, stream: str) -> None:
    payload = bytes((1 << 20) - 1)
    answer = call("PutRecords", StreamName=stream, Records=[{"Data": payload, "PartitionKey": "k"}] * 10)
    assert answer["FailedRecordCount"] == 0
    records = call("GetRecords", ShardIterator=iterator(call, stream))["Records"]
    assert [len(record["Data"]) for record in records] == [len(payload)] * 10


def test_get_records_gives_ten_thousand_records_at_most(call: Caller, stream: str) -> None:
    for _ in range(21):
        call("PutRecords", StreamName=stream, Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)
    answer = call("GetRecords", ShardIterator=iterator(call, stream), Limit=10_000)
    assert len(answer["Records"]) == 10_000
    assert len(call("GetRecords", ShardIterator=answer["NextShardIterator"])["Records"]) == 500


def test_retention_and_tags_are_kept(call: Caller, stream: str) -> None:
    call("IncreaseStreamRetentionPeriod", StreamName=stream, RetentionPeriodHours=168)
    call("AddTagsToStream", StreamName=stream, Tags={"team": "risk"})
    assert call("DescribeStream", StreamName=stream)["StreamDescription"]["RetentionPeriodHours"] == 168
    assert call("ListTagsForStream", StreamName=stream)["Tags"] == [{"Key": "team", "Value": "risk"}]


def test_a_deleted_stream_is_not_found(call: Caller, stream: str) -> None:
    place = iterator(call, stream)
    call("DeleteStream", StreamName=stream)
    refused = gone(call, stream)
    assert (refused.status, refused.code) == (400, "ResourceNotFoundException")
    with pytest.raises(Refused) as caught:
        call("GetRecords", ShardIterator=place)
    assert (caught.value.status, caught.value.code) == (400, "ResourceNotFoundException")


ONE = {"Data": b"x", "PartitionKey": "k"}
UNIFORM = {"ScalingType": "UNIFORM_SCALING"}


BAD_VALUE = {"InvalidArgumentException"}
BROKEN_CONSTRAINT = {"ValidationException"}
EITHER = BAD_VALUE | BROKEN_CONSTRAINT
TOO_FAR = BAD_VALUE | {"LimitExceededException"}
NOT_FOUND = {"ResourceNotFoundException"}


@pytest.mark.parametrize(
    ("operation", "members", "codes"),
    [
        pytest.param("CreateStream", {"ShardCount": 1}, {"ResourceInUseException"}, id="a taken name"),
        pytest.param(
            "CreateStream", {"StreamName": "a b", "ShardCount": 1}, BROKEN_CONSTRAINT, id="a name with a blank"
        ),
        pytest.param("PutRecord", {**ONE, "StreamName": "absent"}, NOT_FOUND, id="an absent stream"),
        pytest.param("PutRecord", {**ONE, "Data": bytes(1 << 20)}, EITHER, id="a large record"),
        pytest.param("PutRecord", {**ONE, "ExplicitHashKey": str(TOP + 1)}, BAD_VALUE, id="a large hash key"),
        pytest.param("PutRecord", {**ONE, "PartitionKey": "k" * 257}, BROKEN_CONSTRAINT, id="a long partition key"),
        pytest.param("PutRecords", {"Records": [ONE] * 501}, EITHER, id="a long batch"),
        pytest.param("GetRecords", {"ShardIterator": "bogus"}, EITHER, id="a made-up iterator"),
        pytest.param(
            "GetShardIterator",
            {"ShardId": FIRST, "ShardIteratorType": "SOON"},
            BROKEN_CONSTRAINT,
            id="an odd iterator type",
        ),
        pytest.param(
            "GetShardIterator", {"ShardId": "shardId-9", "ShardIteratorType": "LATEST"}, NOT_FOUND, id="an absent shard"
        ),
        pytest.param(
            "SplitShard", {"ShardToSplit": FIRST, "NewStartingHashKey": "0"}, BAD_VALUE, id="a split at the first key"
        ),
        pytest.param(
            "MergeShards", {"ShardToMerge": FIRST, "AdjacentShardToMerge": FIRST}, BAD_VALUE, id="a merge with itself"
        ),
        pytest.param("UpdateShardCount", {**UNIFORM, "TargetShardCount": 3}, TOO_FAR, id="more than double the shards"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_code(
    call: Caller, stream: str, operation: str, members: dict[str, Any], codes: set[str]
) -> None:
    named = members if operation == "GetRecords" else {"StreamName": stream, **members}
    with pytest.raises(Refused) as caught:
        call(operation, **named)
    assert caught.value.code in codes
    assert caught.value.status == 400


def test_scaling_down_to_less_than_half_is_refused(call: Caller) -> None:
    stream = a_stream(call, shards=5)
    with pytest.raises(Refused) as caught:
        call("UpdateShardCount", StreamName=stream, TargetShardCount=2, **UNIFORM)
    assert caught.value.code in TOO_FAR


def test_an_unknown_operation_is_named_so(port: int) -> None:
    caller = H2Caller(port, cbor=True)
    with pytest.raises(Refused) as caught:
        caller("Nonsense", StreamName="s")
    caller.close()
    assert (caught.value.status, caught.value.code) == (400, "UnknownOperationException")


@pytest.mark.parametrize("content_type", ["application/x-amz-json-1.1", "application/x-amz-cbor-1.1"])
def test_a_body_in_no_format_is_a_serialization_exception(port: int, content_type: str) -> None:
    caller = H2Caller(port, cbor=False)
    status, body = caller.exchange("ListStreams", content_type, b"\xff{")
    caller.close()
    assert status == 400
    assert b"SerializationException" in body


def test_parallel_writers_never_share_a_sequence_number(port: int) -> None:
    call = Boto3Caller(Clients(port).client("kinesis"))
    stream = a_stream(call, shards=1)
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda n: put(call, stream, *[b"%d" % n] * 25), range(8)))
    records, _ = drain(call, iterator(call, stream))
    numbers = [record["SequenceNumber"] for record in records]
    assert len(set(numbers)) == 200
    assert set(numbers) == {number for row in given for number in row}
    assert numbers == sorted(numbers, key=int)
