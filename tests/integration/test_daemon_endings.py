"""What the host makes of every end and silence of the daemon and its workers, and what Java inherits from it. Starts no Java."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumer.kinesis.children import Child, Children, Ending
from consumer.kinesis.daemon_supervisor import DaemonSupervisor
from consumer.kinesis.process import ThreadsBeforeForkError
from tests.integration.host_control import RunningHost, is_alive, open_files, wait_until

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORKER = Child(pid=7, role="worker", started_at=NOW, last_beat_at=NOW, last_beat_s=0.0)
A_JAVA = """#!/bin/sh
[ "$1" = -version ] && { echo 'openjdk version "21.0.1"' >&2; exit; }
exec sleep 60
"""


class ShellStarter:
    """Runs a command of the shell in Java's place."""

    def __init__(self, command: str) -> None:
        self._command = command

    def start(self, executable: str) -> subprocess.Popen[bytes]:  # noqa: ARG002 - nobody launches anything
        return subprocess.Popen(["/bin/sh", "-c", f"exec {self._command}"])

    def log_tail(self, lines: int) -> list[str]:  # noqa: ARG002 - it logs nothing
        return []


def a_supervisor(directory: Path, command: str) -> DaemonSupervisor:
    supervisor = DaemonSupervisor(ShellStarter(command), Children(), selectors.DefaultSelector(), directory)
    supervisor.start()
    return supervisor


@pytest.fixture
def living(tmp_path: Path) -> Iterator[DaemonSupervisor]:
    supervisor = a_supervisor(tmp_path, "sleep 60")
    yield supervisor
    supervisor.close()


def test_a_daemon_that_ends_with_0_unasked_has_failed(tmp_path: Path) -> None:
    supervisor = a_supervisor(tmp_path, "true")
    wait_until(lambda: not supervisor.is_running, "the daemon's end")

    assert supervisor.failure([], []) == "the daemon ended with code 0"
    supervisor.close()


def test_a_worker_that_died_is_a_failure_of_its_daemon(living: DaemonSupervisor) -> None:
    assert living.failure([Ending(WORKER, 0)], []) is None
    assert living.failure([Ending(WORKER, 0), Ending(WORKER, -9)], []) == "worker 7: killed by signal 9"


def test_a_silent_worker_is_a_failure_of_its_daemon(living: DaemonSupervisor) -> None:
    assert living.failure([], [WORKER]) == "worker 7 gave no sign of life"


def test_nobody_is_forked_beside_a_thread() -> None:
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait)
    thread.start()
    try:
        with pytest.raises(ThreadsBeforeForkError):
            Children().fork("housekeeping", lambda: 0)
    finally:
        is_over.set()
        thread.join()


def test_java_holds_the_lock_of_its_worker_id_and_dies_with_the_host(tmp_path: Path) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(A_JAVA)
    java.chmod(0o755)
    with RunningHost(tmp_path / "state", {"JAVA_HOME": str(tmp_path / "jdk")}, java=True) as host:
        pid = host.wait_for_health(lambda seen: seen.daemon_pid, "the daemon").daemon_pid
        assert pid is not None
        try:
            assert any(name.endswith("worker-1.lock") for name in open_files(pid))
            host.process.kill()
            wait_until(lambda: not is_alive(pid), "the daemon's end", patience_s=10.0)
        finally:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
