"""Trimming on demand: what arrived before is gone, as after the retention period, and a new reader starts behind it."""

from __future__ import annotations

import time

import pytest

from infra.local.environment import LocalEnvironment

pytestmark = pytest.mark.real


def test_a_reader_from_the_trim_horizon_starts_behind_what_was_trimmed(local_environment: LocalEnvironment) -> None:
    kinesis = local_environment.client("kinesis")
    kinesis.create_stream(StreamName="trimmed", ShardCount=1)
    kinesis.put_record(StreamName="trimmed", PartitionKey="a", Data=b"old")
    time.sleep(0.01)
    boundary_ms = time.time_ns() // 1_000_000
    kinesis.put_record(StreamName="trimmed", PartitionKey="a", Data=b"new")

    local_environment.faults.trim("trimmed", boundary_ms)

    place = kinesis.get_shard_iterator(
        StreamName="trimmed", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    records = kinesis.get_records(ShardIterator=place["ShardIterator"])["Records"]
    assert [record["Data"] for record in records] == [b"new"]


def test_a_stream_that_is_not_there_cannot_be_trimmed(local_environment: LocalEnvironment) -> None:
    with pytest.raises(ValueError, match="no such stream"):
        local_environment.faults.trim("another", 0)
