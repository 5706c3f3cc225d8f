"""The log may not hurt the data path: hosts and workers whose log, or whose health file, cannot be written."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumer.telemetry.emf_reader import Series, SeriesKey, read_emf
from tests.integration.host_control import LaunchedShard, LivingDaemon, RunningHost, is_alive, wait_until


@contextmanager
def a_log(kind: str) -> Iterator[Path | int]:
    """Somewhere to log to that takes nothing: a full disk, a pipe whose reader is gone, a pipe that nobody reads."""
    if kind == "full disk":
        yield Path("/dev/full")
        return
    read_fd, write_fd = os.pipe()
    if kind == "closed pipe":
        os.close(read_fd)
    else:
        os.set_blocking(write_fd, False)
        os.write(write_fd, b"x" * 1_000_000)
        os.set_blocking(write_fd, True)
    yield write_fd
    os.close(write_fd)
    if kind == "blocked pipe":
        os.close(read_fd)


@pytest.mark.parametrize("kind", ["full disk", "closed pipe", "blocked pipe"])
def test_records_are_processed_and_the_stop_is_clean_without_a_log(tmp_path: Path, kind: str) -> None:
    with a_log(kind) as log, RunningHost(tmp_path / "state", log=log) as host:
        daemon = LivingDaemon(host.state_dir)
        with LaunchedShard(daemon) as shard:
            shard.daemon.initialize()
            shard.daemon.send_records("one", "mutter")
            shard.daemon.answer_checkpoint()
            shard.daemon.expect_status("processRecords")
            host.wait_for_health(lambda health: health.all_lines_lost, "lost lines in the health file")
            assert host.report().is_healthy
            host.terminate()
            shard.daemon.say("shutdownRequested")
            shard.daemon.answer_checkpoint()
            shard.daemon.expect_status("shutdownRequested")
            shard.end_lease()
        assert host.exit_code() == 0
    assert [line["data"] for line in host.journal.of("process")] == [["one", "mutter"]]
    assert host.journal.of("housekeeping_stopped")


def test_a_worker_that_fails_without_a_log_fails_with_its_own_code_and_is_restarted(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state", log=Path("/dev/full")) as host:
        daemon = LivingDaemon(host.state_dir)
        with LaunchedShard(daemon) as shard:
            shard.daemon.initialize()
            shard.daemon.send_records("raise")
            assert shard.daemon.hear() is None
            assert shard.launcher.wait(30) == 74
        LivingDaemon(host.state_dir, not_pid=daemon.pid)
        host.wait_for_health(lambda health: health.restarts == 1, "one restart")


def test_a_health_file_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state") as host:
        daemon = LivingDaemon(host.state_dir)
        before = host.health()
        draft = host.state_dir / f".health.json.{host.process.pid}"
        wait_until(lambda: _blocked(draft), "a folder in the draft's place")
        wait_until(lambda: "health_not_written" in host.log, "the word in the log")
        with LaunchedShard(daemon) as shard:
            shard.daemon.initialize()
            shard.daemon.send_records("one")
            shard.daemon.answer_checkpoint()
            shard.daemon.expect_status("processRecords")
            draft.rmdir()
            after = host.wait_for_health(lambda health: health.written_at > before.written_at, "a new health file")
            assert after.restarts == 0
            assert host.log.count("health_not_written") == 1
            draft.mkdir()
            host.terminate()
            shard.daemon.say("shutdownRequested")
            shard.daemon.answer_checkpoint()
            shard.daemon.expect_status("shutdownRequested")
            shard.end_lease()
        assert host.exit_code() == 0


def _blocked(draft: Path) -> bool:
    """Stand in the way of the draft that the host writes every second and moves away at once."""
    try:
        draft.mkdir()
    except FileExistsError:
        return False
    return True


def metrics_of(host: RunningHost) -> dict[SeriesKey, Series]:
    return read_emf(host.log.splitlines())


def test_the_host_counts_what_it_serves_and_what_failed(tmp_path: Path) -> None:
    with RunningHost(tmp_path / "state") as host:
        daemon = LivingDaemon(host.state_dir)
        with LaunchedShard(daemon) as shard:
            shard.daemon.initialize()
            wait_until(lambda: metrics_of(host).get(("ShardsServed", None), Series()).values[-1:] == [1], "one shard")
            shard.daemon.send_records("quarantine")
            assert shard.daemon.hear() is None
        successor = LivingDaemon(host.state_dir, not_pid=daemon.pid)
        os.kill(host.journal.of("housekeeping")[0]["pid"], signal.SIGKILL)
        wait_until(lambda: len(host.journal.of("housekeeping")) > 1, "another housekeeping")
        assert is_alive(successor.pid)
        host.terminate()
        assert host.exit_code() == 0
        metrics = metrics_of(host)
    assert metrics["DaemonRestarts", None].total == 1
    assert metrics["DeliberateStops", None].total == 1
    assert metrics["ProcessFailures", "worker"].total == 1
    assert metrics["ProcessFailures", "housekeeping"].total == 1
    assert {of for name, of in metrics if name == "MemoryUsed"} == {"host", "worker", "housekeeping", "daemon"}
