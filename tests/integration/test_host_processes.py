"""The host with its launchers and forked processes, without Java: who holds which pipe, who dies with whom, who is restarted."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.host_control import LaunchedShard, LivingDaemon, RunningHost, is_alive, open_files, wait_until

SHARDS = ("shardId-000000000000", "shardId-000000000001")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[RunningHost]:
    with RunningHost(tmp_path / "state") as running:
        yield running


def _pipes(pid: int) -> set[str]:
    return {name for name in open_files(pid) if name.startswith("pipe:")}


def test_each_launcher_gets_a_worker_and_its_exit_code(host: RunningHost) -> None:
    daemon = LivingDaemon(host.state_dir)
    with LaunchedShard(daemon) as first, LaunchedShard(daemon) as second:
        for shard, shard_id in zip((first, second), SHARDS, strict=True):
            shard.daemon.initialize(shard_id=shard_id)
        first.end_lease()
        assert first.launcher.wait(30) == 0
        second.end_lease()
        assert second.launcher.wait(30) == 0

    assert {line["pid"] for line in host.journal.of("initialize")}.isdisjoint({host.process.pid})
    assert len({line["pid"] for line in host.journal.of("initialize")}) == 2


def test_a_worker_that_ends_closes_its_pipe_although_host_and_a_later_worker_live(host: RunningHost) -> None:
    daemon = LivingDaemon(host.state_dir)
    with LaunchedShard(daemon) as first, LaunchedShard(daemon) as second:
        first.daemon.initialize(shard_id=SHARDS[0])
        second.daemon.initialize(shard_id=SHARDS[1])
        first.end_lease()  # hears the end of the pipe
        second.daemon.send_records("still here")
        second.daemon.answer_checkpoint()
        second.daemon.expect_status("processRecords")
        assert host.health().restarts == 0


def test_a_worker_holds_nothing_of_the_host_or_of_another_shard(host: RunningHost) -> None:
    daemon = LivingDaemon(host.state_dir)
    with LaunchedShard(daemon) as first, LaunchedShard(daemon) as second:
        first.daemon.initialize(shard_id=SHARDS[0])
        second.daemon.initialize(shard_id=SHARDS[1])
        older, newer = (open_files(line["pid"]) for line in host.journal.of("initialize"))
        wait_until(lambda: not _pipes(host.process.pid), "the host's copies closed: the worker may be quicker")
        of_host = open_files(host.process.pid)

    assert not {name for name in older & newer if name.startswith("pipe:")}
    shared = (newer & of_host) - {"/dev/null", str(host.state_dir / "host.log")}
    assert len(shared) == 1  # the sending end of the heartbeat
    assert any(name.endswith("worker-1.lock") for name in of_host)


def test_a_killed_worker_brings_down_its_daemon_and_every_pipe_and_all_is_restarted(host: RunningHost) -> None:
    daemon = LivingDaemon(host.state_dir)
    with LaunchedShard(daemon) as first, LaunchedShard(daemon) as second:
        first.daemon.initialize(shard_id=SHARDS[0])
        second.daemon.initialize(shard_id=SHARDS[1])
        os.kill(host.journal.of("initialize")[0]["pid"], signal.SIGKILL)
        assert first.daemon.hear() is None
        assert second.daemon.hear() is None
        assert first.launcher.wait(30) == 70
    successor = LivingDaemon(host.state_dir, not_pid=daemon.pid)

    assert not is_alive(daemon.pid)
    assert successor.executable != daemon.executable
    host.wait_for_health(lambda health: health.restarts == 1 and health.daemon_pid == successor.pid, "one restart")
    with LaunchedShard(successor) as again:
        again.daemon.initialize(shard_id=SHARDS[0])


def test_a_launcher_of_a_dead_daemon_is_not_let_in(host: RunningHost) -> None:
    daemon = LivingDaemon(host.state_dir)
    os.kill(daemon.pid, signal.SIGKILL)
    LivingDaemon(host.state_dir, not_pid=daemon.pid)

    with LaunchedShard(daemon) as late:
        assert late.launcher.wait(30) == 69
    assert host.journal.of("initialize") == []


def test_a_silent_worker_is_killed_and_restarted(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state", stuck_after_s=2.5) as host:
        daemon = LivingDaemon(host.state_dir)
        with LaunchedShard(daemon) as shard:
            shard.daemon.initialize()
            shard.daemon.send_records("hang")
            assert shard.daemon.hear() is None
        LivingDaemon(host.state_dir, not_pid=daemon.pid)
        assert "worker_stuck" in host.log


def test_an_idle_worker_beats_while_it_waits(tmp_path: Path) -> None:
    with (
        RunningHost(tmp_path / "state", stuck_after_s=2.5) as host,
        LaunchedShard(LivingDaemon(host.state_dir)) as shard,
    ):
        shard.daemon.initialize()
        with pytest.raises(subprocess.TimeoutExpired):
            shard.launcher.wait(5)
        assert host.report().is_healthy


def test_a_deliberate_stop_is_logged_with_its_reason_and_remedy(host: RunningHost) -> None:
    daemon = LivingDaemon(host.state_dir)
    with LaunchedShard(daemon) as shard:
        shard.daemon.initialize()
        shard.daemon.send_records("quarantine")
        assert shard.launcher.wait(30) == 78
    LivingDaemon(host.state_dir, not_pid=daemon.pid)

    assert "QuarantineLimitExceeded: too many refused" in host.log
    assert "put its cause right" in host.log


def test_a_daemon_that_dies_too_often_ends_the_host_with_1(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state", max_restarts=2) as host:
        pid = None
        for _ in range(3):
            pid = LivingDaemon(host.state_dir, not_pid=pid).pid
            os.kill(pid, signal.SIGKILL)

        assert host.exit_code() == 1
        assert "2 restarts within 600 s" in host.log
        assert host.health().state == "failed"
        assert not host.report().is_healthy


def test_dead_housekeeping_is_forked_again_and_the_daemon_lives_on(host: RunningHost) -> None:
    wait_until(lambda: host.journal.of("housekeeping"), "housekeeping")
    os.kill(host.journal.of("housekeeping")[0]["pid"], signal.SIGKILL)
    wait_until(lambda: len(host.journal.of("housekeeping")) == 2, "housekeeping again")

    assert host.health().restarts == 0


def test_housekeeping_that_dies_too_often_ends_the_host_gracefully_with_1(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state", max_housekeeping_restarts=0) as host:
        wait_until(lambda: host.journal.of("housekeeping"), "housekeeping")
        os.kill(host.journal.of("housekeeping")[0]["pid"], signal.SIGKILL)

        assert host.exit_code() == 1
        assert "housekeeping_given_up" in host.log


def test_a_stop_waits_for_the_workers_then_for_housekeeping_and_exits_0(host: RunningHost) -> None:
    with LaunchedShard(LivingDaemon(host.state_dir)) as shard:
        shard.daemon.initialize()
        host.terminate()
        wait_until(lambda: "host_stopping" in host.log, "the stop")
        host.terminate()
        shard.daemon.say("shutdownRequested")
        shard.daemon.expect_status("shutdownRequested")
        assert host.journal.of("housekeeping_stopped") == []
        shard.end_lease()

    assert host.exit_code() == 0
    assert [line["event"] for line in host.journal.lines()][-4:] == [
        "shutdown_requested",
        "lease_lost",
        "housekeeping_stopped",
        "leader_released",
    ]
    assert host.health().state == "stopped"


def test_a_stop_in_which_a_worker_fails_exits_1(host: RunningHost) -> None:
    with LaunchedShard(LivingDaemon(host.state_dir)) as shard:
        shard.daemon.initialize()
        host.terminate()
        wait_until(lambda: "host_stopping" in host.log, "the stop")
        shard.daemon.send_records("raise")
        assert shard.launcher.wait(30) == 74

    assert host.exit_code() == 1


def test_workers_housekeeping_and_daemon_die_with_a_killed_host(host: RunningHost) -> None:
    daemon = LivingDaemon(host.state_dir)
    with LaunchedShard(daemon) as shard:
        shard.daemon.initialize()
        wait_until(lambda: host.journal.of("housekeeping"), "housekeeping")
        pids = {daemon.pid, *(line["pid"] for line in host.journal.lines())}
        host.process.kill()
        host.process.wait()

        wait_until(lambda: not any(map(is_alive, pids)), "every process gone")
        assert shard.daemon.hear() is None
        assert shard.launcher.wait(30) == 70


def test_nobody_else_can_reach_the_gate(host: RunningHost) -> None:
    socket_path = Path(LivingDaemon(host.state_dir).executable[-1])

    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket_path.parent.stat().st_mode) == 0o700


def test_the_health_file_names_shard_lag_and_checkpoint(host: RunningHost) -> None:
    with LaunchedShard(LivingDaemon(host.state_dir)) as shard:
        shard.daemon.initialize(shard_id=SHARDS[1])
        shard.daemon.send_records("one", "two", millis_behind_latest=77)
        shard.daemon.answer_checkpoint()
        shard.daemon.expect_status("processRecords")
        health = host.wait_for_health(lambda seen: seen.workers and "records" in seen.workers[0].facts, "the facts")

        assert health.workers[0].facts == {
            "shard_id": SHARDS[1],
            "checkpoint": "102/0",
            "millis_behind_latest": 77,
            "records": 2,
        }
        assert health.housekeeping is not None
        assert host.report().is_healthy


def test_a_second_host_under_the_same_worker_id_refuses_to_start(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state", lock_wait_s=0.5) as host:
        LivingDaemon(host.state_dir)
        with RunningHost(tmp_path / "state", lock_wait_s=0.5) as second:
            assert second.exit_code() == 1
            assert f"the host with pid {host.process.pid}" in second.log
        assert host.process.poll() is None


def test_a_host_whose_loading_started_a_thread_refuses_to_fork(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state", starts_a_thread=True) as host:
        assert host.exit_code() == 1
        assert "2 threads before a fork" in host.log
        assert host.journal.lines() == []
