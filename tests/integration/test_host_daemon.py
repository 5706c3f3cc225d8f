"""The whole of it: host, real Java daemon, launchers, workers, against the embedded Kinesis and DynamoDB."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from consumer.kinesis.warm_start import Outcome, WarmStart
from infra.local.environment import LocalEnvironment
from tests.integration.host_control import RunningHost, is_alive, wait_until

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

pytestmark = [pytest.mark.daemon, pytest.mark.real]

SHARDS = 3
WORKER_ID = "worker-1"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    with LocalEnvironment(tmp_path_factory.mktemp("aws"), database=False) as environment:
        yield environment


class Stream:
    """A stream of its own for one test, warm-started, and what was put into it."""

    def __init__(self, aws: LocalEnvironment) -> None:
        self.aws = aws
        self.name = f"events-{uuid.uuid4().hex[:8]}"
        self.kinesis: KinesisClient = aws.client("kinesis")
        self.put_texts: list[str] = []
        self.kinesis.create_stream(StreamName=self.name, ShardCount=SHARDS)
        wait_until(self._is_active, "an active stream")
        warm = WarmStart(self.name, self.name, WORKER_ID).seed(aws.client("dynamodb"), self.kinesis)
        assert warm.outcome is Outcome.SEEDED
        assert warm.shards == SHARDS

    def _is_active(self) -> bool:
        summary = self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        return summary["StreamStatus"] == "ACTIVE"

    def put(self, count: int) -> None:
        """Put records with new texts, spread over all shards."""
        texts = [f"event {len(self.put_texts) + number}" for number in range(count)]
        response = self.kinesis.put_records(
            StreamName=self.name, Records=[{"Data": text.encode(), "PartitionKey": text} for text in texts]
        )
        assert response["FailedRecordCount"] == 0
        self.put_texts += texts

    def checkpoints(self) -> dict[str, str]:
        items = self.aws.client("dynamodb").scan(TableName=self.name)["Items"]
        return {str(item["leaseKey"]["S"]): str(item["checkpoint"]["S"]) for item in items}

    def host(self, state_dir: Path, **config: Any) -> RunningHost:
        return RunningHost(
            state_dir,
            self.aws.environment(),
            java=True,
            stream=self.name,
            application=self.name,
            worker_id=WORKER_ID,
            endpoint_url=self.aws.endpoint_url,
            **config,
        )


@pytest.fixture
def stream(aws: LocalEnvironment) -> Stream:
    return Stream(aws)


@pytest.fixture
def note_time(record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Times are reported, never asserted."""

    def note(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 2))
        print(f"{what}: {seconds:.2f} s")

    return note


def processed(host: RunningHost) -> Counter[str]:
    return Counter(text for line in host.journal.of("process") for text in line["data"])


def wait_for_all(host: RunningHost, stream: Stream) -> None:
    wait_until(lambda: set(processed(host)) >= set(stream.put_texts), "every record processed", 120)


def first_batch_after_restart_s(host: RunningHost) -> float:
    """Return when the first batch came to a worker of the second daemon (wall clock)."""
    restarted = {line["pid"] for line in host.journal.of("initialize")[SHARDS:]}
    return float(next(one["at_s"] for one in host.journal.of("process") if one["pid"] in restarted))


def test_records_are_processed_in_order_and_a_stop_checkpoints_every_shard(
    stream: Stream, tmp_path: Path, note_time: Callable[[str, float], None]
) -> None:
    stream.put(300)
    with stream.host(tmp_path) as host:
        wait_for_all(host, stream)
        note_time("start to first record", host.journal.of("process")[0]["at_s"] - host.started_at_s)
        assert host.report().is_healthy
        stopped_at_s = time.monotonic()
        host.terminate()
        assert host.exit_code() == 0
        note_time("graceful stop", time.monotonic() - stopped_at_s)

        assert len(host.journal.of("shutdown_requested")) == SHARDS
        assert set(processed(host).values()) == {1}
        for pid in {line["pid"] for line in host.journal.of("process")}:
            numbers = [
                int(text.split()[1]) for one in host.journal.of("process") if one["pid"] == pid for text in one["data"]
            ]
            assert numbers == sorted(numbers)

    assert all(checkpoint.isdigit() for checkpoint in stream.checkpoints().values())


def test_a_restart_after_ctrl_c_replays_nothing(stream: Stream, tmp_path: Path) -> None:
    state_dir = tmp_path / "state with blanks"
    stream.put(100)
    with stream.host(state_dir) as host:
        wait_for_all(host, stream)
        host.interrupt_group()
        assert host.exit_code() == 0
    stream.put(100)
    with stream.host(state_dir) as host:
        wait_for_all(host, stream)
        assert set(processed(host).values()) == {1}
        assert all(one["checkpoint"] for one in host.journal.of("initialize")[SHARDS:])


def _kill_a_worker(host: RunningHost) -> None:
    os.kill(host.journal.of("initialize")[0]["pid"], signal.SIGKILL)


def _kill_java(host: RunningHost) -> None:
    pid = host.health().daemon_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("kill", [_kill_a_worker, _kill_java])
def test_a_kill_under_load_restarts_the_daemon_in_place_and_nothing_is_lost(
    stream: Stream, tmp_path: Path, kill: Callable[[RunningHost], None], note_time: Callable[[str, float], None]
) -> None:
    stream.put(300)
    with stream.host(tmp_path) as host:
        wait_for_all(host, stream)
        stream.put(200)
        kill(host)
        killed_at_s = time.time()
        stream.put(200)
        wait_for_all(host, stream)
        note_time(f"{kill.__name__.strip('_')} to next record", first_batch_after_restart_s(host) - killed_at_s)

        assert host.wait_for_health(lambda seen: seen.restarts == 1 and len(seen.workers) == SHARDS, "one restart")
        assert host.report().is_healthy
        host.terminate()
        assert host.exit_code() == 0


def test_a_worker_that_always_fails_uses_up_the_restarts_and_ends_the_host_with_1(
    stream: Stream, tmp_path: Path
) -> None:
    stream.kinesis.put_record(StreamName=stream.name, Data=b"quarantine", PartitionKey="a user")
    with stream.host(tmp_path, max_restarts=1) as host:
        assert host.exit_code(120) == 1
        assert len(host.journal.of("process")) == 2
        assert "QuarantineLimitExceeded: too many refused" in host.log

    assert set(stream.checkpoints().values()) == {"TRIM_HORIZON"}


def test_a_split_shard_is_ended_and_its_children_are_read(stream: Stream, tmp_path: Path) -> None:
    stream.put(100)
    with stream.host(tmp_path) as host:
        wait_for_all(host, stream)
        shard = stream.kinesis.list_shards(StreamName=stream.name)["Shards"][0]
        bounds = shard["HashKeyRange"]
        middle = (int(bounds["StartingHashKey"]) + int(bounds["EndingHashKey"])) // 2
        stream.kinesis.split_shard(
            StreamName=stream.name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle)
        )
        wait_until(stream._is_active, "an active stream")
        stream.put(200)
        wait_for_all(host, stream)

        assert len(host.journal.of("shard_ended")) == 1
        assert len(host.journal.of("initialize")) == SHARDS + 2
        assert host.health().restarts == 0
    wait_until(lambda: stream.checkpoints()[shard["ShardId"]] == "SHARD_END", "the end in the lease table")


def test_java_and_its_workers_die_with_a_killed_host(stream: Stream, tmp_path: Path) -> None:
    stream.put(100)
    with stream.host(tmp_path) as host:
        wait_for_all(host, stream)
        java = host.health().daemon_pid
        assert java is not None
        pids = {java, *(line["pid"] for line in host.journal.of("initialize"))}
        host.process.kill()
        host.process.wait()
        wait_until(lambda: not any(map(is_alive, pids)), "every process gone")
