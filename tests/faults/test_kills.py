"""Processes killed under load: nothing lost, nothing twice, and decisions go on within seconds. Times are printed, never asserted."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from infra.local.environment import LocalEnvironment
from tests.system import Load, System, a_system, wait_until

pytestmark = [pytest.mark.real, pytest.mark.daemon]


def _daemon_pid(system: System) -> int:
    health = system.health()
    assert health is not None
    assert health.daemon_pid is not None
    return health.daemon_pid


def _require_clean(system: System) -> None:
    system.wait_told()
    assert system.stop() == 0, system.log()[-3000:]
    report = system.audit()
    assert report.is_clean, report.lines()
    assert report.counts["pending"] == 0, report.lines()


def test_a_killed_worker_and_a_killed_daemon_lose_and_repeat_nothing(
    local_environment: LocalEnvironment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_system(local_environment, tmp_path, shards=2) as system:
        system.start()
        with Load(system, per_second=400):
            times = {"start": system.wait_for_new_decision()}
            wait_until(lambda: len(system.worker_pids()) == 2, "two workers")
            os.kill(system.worker_pids()[0], signal.SIGKILL)
            times["kill -9 worker"] = system.wait_for_new_decision()
            os.kill(_daemon_pid(system), signal.SIGKILL)
            times["kill -9 Java"] = system.wait_for_new_decision()
        restarts = system.health()
        assert restarts is not None
        assert restarts.restarts == 2
        system.wait_decided(system.publisher.progress.records)
        _wait_all_decided(system)
        _require_clean(system)
        with capsys.disabled():
            print(
                "\n  first commit of a never-seen event after " + ", ".join(f"{k}: {v:.1f} s" for k, v in times.items())
            )


def test_a_split_under_load_loses_and_repeats_nothing(local_environment: LocalEnvironment, tmp_path: Path) -> None:
    with a_system(local_environment, tmp_path, shards=2) as system:
        system.start()
        kinesis, stream = local_environment.client("kinesis"), system.resources.stream_name
        with Load(system, per_second=400) as load:
            system.wait_decided(1000)
            shard = kinesis.list_shards(StreamName=stream)["Shards"][0]
            low, high = (int(shard["HashKeyRange"][key]) for key in ("StartingHashKey", "EndingHashKey"))
            kinesis.split_shard(
                StreamName=stream, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2)
            )
            target = load.published + 2000
            wait_until(lambda: load.published >= target, "more events after the split")
        _wait_all_decided(system)
        _require_clean(system)
        shards = {row.shard_id for row in system.reader.all_decisions(system.evidence().epoch)}
        assert len(shards) == 4, "both children were read"


def _wait_all_decided(system: System) -> None:
    """Every record in the stream has its verdict: what is silent is either a repetition or not there yet."""
    wait_until(lambda: _silent(system) == 0, "a verdict on every record")


def _silent(system: System) -> int:
    evidence = system.evidence()
    judged = {row.position for row in evidence.decisions} | set(evidence.refusals)
    return sum(record.position not in judged for record in evidence.published)
