"""Steps that tests on Kinesis share: a stream, records put, a shard read to its end."""

import time
import uuid
from typing import Any

from tests.integration.kinesis_callers import Caller

FIRST = "shardId-000000000000"


def a_stream(call: Caller, *, shards: int) -> str:
    name = f"conformance-{uuid.uuid4().hex}"
    call("CreateStream", StreamName=name, ShardCount=shards)
    deadline = time.monotonic() + 30
    while call("DescribeStreamSummary", StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
        assert time.monotonic() < deadline
    return name


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
