"""Publishing into the embedded Kinesis, read back from it: the whole way of a byte."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from consumer.auditing.stream import read_stream
from infra.local.environment import LocalEnvironment
from infra.local.ports import bind_port
from producers.batches import BatchLimits
from producers.errors import EndpointError, StreamMissingError
from producers.files import publish_file
from producers.kinesis import Progress, Publisher, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from producers.simulator.hostile import hostile_events
from producers.simulator.output import encode_event
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import now_utc, simulate

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def kinesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KinesisClient]:
    with LocalEnvironment(Path(tmp_path_factory.mktemp("local")), database=False) as environment:
        yield environment.client("kinesis")


@pytest.fixture
def stream(kinesis: KinesisClient) -> str:
    name = f"events-{uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=4)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return name


def read_back(kinesis: KinesisClient, stream: str) -> dict[PlacedRecord, OutgoingRecord]:
    """Return what stands in the stream by its place, in the order of each shard."""
    found = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        for record in _records(kinesis, stream, shard["ShardId"]):
            place = PlacedRecord(shard["ShardId"], record["SequenceNumber"])
            found[place] = OutgoingRecord(record["Data"], record["PartitionKey"])
    return found


def _records(kinesis: KinesisClient, stream: str, shard_id: str) -> Iterator[RecordTypeDef]:
    position = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON")
    iterator = position["ShardIterator"]
    while True:
        answer = kinesis.get_records(ShardIterator=iterator)
        yield from answer["Records"]
        iterator = answer["NextShardIterator"]
        if not answer["Records"] and not answer["MillisBehindLatest"]:
            return


def test_a_file_arrives_whole_and_in_order_per_user(kinesis: KinesisClient, stream: str) -> None:
    lines = [encode_event(e) for e in simulate(SimulationSettings(customers=40), 3_000, clock=now_utc)]

    report = publish_file(BytesIO(b"\n".join(lines)), Publisher(kinesis, stream))

    assert (report.published, report.refused) == (3_000, 0)
    stored = read_back(kinesis, stream)
    assert Counter(record.data for record in stored.values()) == Counter(lines)
    assert {place.shard_id for place in stored} == {f"shardId-{n:012d}" for n in range(4)}
    order = {data: number for number, data in enumerate(lines)}
    for user in {record.partition_key for record in stored.values()}:
        numbers = [order[record.data] for record in stored.values() if record.partition_key == user]
        assert numbers == sorted(numbers)


def test_a_file_is_published_in_aggregates_that_hold_every_event_in_its_order(
    kinesis: KinesisClient, stream: str, tmp_path: Path
) -> None:
    lines = [encode_event(e) for e in simulate(SimulationSettings(customers=40), 3_000, clock=now_utc)]
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(lines))
    variables = {"AWS_ENDPOINT_URL": kinesis.meta.endpoint_url, "FRAUDSTREAM_STREAM_NAME": stream}

    done = subprocess.run(
        [sys.executable, "-m", "consumer.cli", "publish", "--aggregate", str(file)],
        env={**os.environ, "PYTHONPATH": ".", "AWS_REGION": kinesis.meta.region_name, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    inside = list(read_stream(kinesis, stream, is_paced=False))
    assert f"published 3,000 events in {len(read_back(kinesis, stream))} records" in done.stdout
    assert Counter(record.data for record in inside) == Counter(lines)
    order = {data: number for number, data in enumerate(lines)}
    for user in {record.partition_key for record in inside}:
        numbers = [order[record.data] for record in inside if record.partition_key == user]
        assert numbers == sorted(numbers)
    assert len(inside) > 20 * len(read_back(kinesis, stream))


def test_every_place_returned_holds_the_record_it_was_returned_for(kinesis: KinesisClient, stream: str) -> None:
    records = [OutgoingRecord(b"event %d" % n, f"user-{n % 17}") for n in range(1_234)]

    places = Publisher(kinesis, stream, settings=PublisherSettings(limits=BatchLimits(records=100))).publish(records)

    stored = read_back(kinesis, stream)
    assert [stored[place] for place in places] == records


def test_every_hostile_event_goes_through_by_force_untouched(kinesis: KinesisClient, stream: str) -> None:
    hostile = [event.data for event in hostile_events(5, datetime.now(UTC))]

    report = publish_file(
        BytesIO(b"".join(data + b"\n" for data in hostile)), Publisher(kinesis, stream), is_forced=True
    )

    assert (report.published, report.refused) == (len(hostile), 0)
    assert Counter(record.data for record in read_back(kinesis, stream).values()) == Counter(hostile)


def test_without_force_only_what_the_decoder_takes_is_in_the_stream(kinesis: KinesisClient, stream: str) -> None:
    hostile = list(hostile_events(6, datetime.now(UTC)))
    bounds = {"event_time_out_of_bounds", "conflicting_resend"}  # the decoder alone cannot see these
    expected = [event.data for event in hostile if event.reason is None or event.reason in bounds]

    report = publish_file(BytesIO(b"".join(event.data + b"\n" for event in hostile)), Publisher(kinesis, stream))

    assert report.published == len(expected)
    assert report.refused == len(hostile) - len(expected)
    assert Counter(record.data for record in read_back(kinesis, stream).values()) == Counter(expected)


def test_a_stream_that_is_missing_is_said_so(kinesis: KinesisClient) -> None:
    with pytest.raises(StreamMissingError, match="'nowhere'"):
        Publisher(kinesis, "nowhere").publish([OutgoingRecord(b"x", "k")])


def test_an_endpoint_where_nobody_listens_is_said_so_without_a_long_wait() -> None:
    with bind_port(0) as held:
        client = boto3.client(
            "kinesis",
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            endpoint_url=f"http://127.0.0.1:{held.getsockname()[1]}",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
        )
        with pytest.raises(EndpointError, match="fraudstream up"):
            Publisher(client, "events").publish([OutgoingRecord(b"x", "k")])


_SIMULATOR = """
import sys
from producers.simulator.output import write_events
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import now_utc, simulate
write_events(simulate(SimulationSettings(customers=30), clock=now_utc), sys.stdout.buffer, per_second=40)
"""


def test_a_simulator_that_never_ends_can_be_piped_in_and_its_events_arrive_while_it_runs(
    kinesis: KinesisClient, stream: str
) -> None:
    simulator = subprocess.Popen(
        [sys.executable, "-c", _SIMULATOR], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}
    )
    assert simulator.stdout

    class Enough(Exception): ...

    started_s = time.monotonic()

    def stop_after_30(progress: Progress) -> None:
        if progress.records >= 30 or time.monotonic() - started_s > 60:
            raise Enough

    publisher = Publisher(kinesis, stream, on_progress=stop_after_30)
    with simulator:
        with pytest.raises(Enough):
            publish_file(simulator.stdout, publisher)
        simulator.kill()

    assert 30 <= publisher.progress.records < 500
    assert publisher.progress.requests > 1
    assert len(read_back(kinesis, stream)) == publisher.progress.records
