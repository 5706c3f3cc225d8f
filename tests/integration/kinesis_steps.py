"""Steps that tests on Kinesis share: a stream, records put, a shard read to its end."""

import time
import uuid
from collections import deque
from typing import Any

from tests.integration.kinesis_callers import Caller, Refused

FIRST = "shardId-000000000000"


def a_stream(call: Caller, *, shards: int) -> str:
    name = f"conformance-{uuid.uuid4().hex}"
    call("CreateStream", StreamName=name, ShardCount=shards)
    settle(call, name)
    return name


def settle(call: Caller, stream: str) -> None:
    """Wait until a stream that was made or resharded is active."""
    deadline = time.monotonic() + 30
    while call("DescribeStreamSummary", StreamName=stream)["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(call: Caller, stream: str) -> Refused:
    """Wait until a deleted stream cannot be described; gives the refusal."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            call("DescribeStreamSummary", StreamName=stream)
        except Refused as refused:
            return refused
        time.sleep(0.01)
    raise AssertionError("the stream is still there")


def put(call: Caller, stream: str, *data: bytes) -> list[str]:
    answers = [call("PutRecord", StreamName=stream, PartitionKey=f"k{n}", Data=item) for n, item in enumerate(data)]
    return [answer["SequenceNumber"] for answer in answers]


def iterator(call: Caller, stream: str, kind: str = "TRIM_HORIZON", shard: str = FIRST, **members: Any) -> str:
    answer = call("GetShardIterator", StreamName=stream, ShardId=shard, ShardIteratorType=kind, **members)
    return str(answer["ShardIterator"])


def drain(call: Caller, place: str | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Read until the tip or the end of the shard; gives the records and the last answer."""
    records: list[dict[str, Any]] = []
    while True:
        answer = call("GetRecords", ShardIterator=place)
        records += answer["Records"]
        place = answer.get("NextShardIterator")
        if place is None or (not answer["Records"] and not answer["MillisBehindLatest"]):
            return records, answer


def data(call: Caller, place: str) -> list[bytes]:
    return [record["Data"] for record in drain(call, place)[0]]


def walk(call: Caller, stream: str, shards: list[str]) -> dict[str, int | None]:
    """Read from shard to shard through the children that each end names, as KCL does; gives the records of ended ones."""
    found: dict[str, int | None] = {}
    waiting = deque(shards)
    while waiting:
        shard = waiting.popleft()
        if shard in found:
            continue
        records, end = drain(call, iterator(call, stream, shard=shard))
        found[shard] = len(records) if "ChildShards" in end else None
        waiting += [child["ShardId"] for child in end.get("ChildShards", [])]
    return found
