"""The parent of everything in the container: loads once, forks a worker a shard, watches, restarts, stops.

One event loop, no thread, because it forks; and it never touches a record, so that nothing in one can hurt it.
"""

from __future__ import annotations

import gc
import os
import selectors
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import structlog

from consumer.kinesis.children import Child, Children, Ending
from consumer.kinesis.daemon import DaemonStarter, JavaDaemon
from consumer.kinesis.daemon_supervisor import DaemonSupervisor, RestartBoundExceeded
from consumer.kinesis.exits import ExitCode
from consumer.kinesis.gate import Arrival, make_runtime_directory
from consumer.kinesis.heartbeat import DatagramHeartbeat, heartbeat_pair, received_beats
from consumer.kinesis.host_settings import HostSettings
from consumer.kinesis.housekeeping_supervisor import HousekeepingSupervisor
from consumer.kinesis.lock import WorkerIdLock
from consumer.kinesis.port import Loaded
from consumer.kinesis.process import do_without_pandas, keep_one_heap
from consumer.kinesis.shard_process import run_errand_process, run_housekeeping_process, run_shard_process
from consumer.kinesis.signals import SignalWatch
from consumer.kinesis.stop import GracefulStop
from consumer.telemetry.health import HostHealth, HostState, write_health
from consumer.telemetry.process_meter import memory_used

_log = structlog.get_logger(__name__)
_TICK_S = 0.5
_HEALTH_EVERY_S = 1.0
_ASLEEP_S = 10.0
_ERRAND_S = 5.0


def run_host(settings: HostSettings, load: Callable[[], Loaded]) -> int:
    """Run until SIGTERM or SIGINT, or until restarts are of no use. Returns the exit code: 0 after a clean stop, else 1.

    `load` runs once, before anything is forked, and must leave a single thread behind. Raises what it raises, and
    WorkerIdInUseError, NoJavaError, JarsMissingError, ThreadsBeforeForkError, all before a record is read.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as cleanup:
        lock = WorkerIdLock(settings.state_dir, settings.kcl.worker_id, settings.lock_wait_s)
        cleanup.callback(lock.close)
        do_without_pandas()
        keep_one_heap()
        loaded = load()
        gc.collect()
        gc.freeze()  # a collection in a worker must not touch, and so copy, what it shares with the host
        directory = make_runtime_directory()
        cleanup.callback(shutil.rmtree, directory, ignore_errors=True)
        daemon = JavaDaemon(settings.kcl, settings.state_dir, settings.java_options, settings.java_environment, lock.fd)
        return Host(settings, loaded, daemon, lock.fd, directory).run()


class Host:
    """The event loop. `starter` gives it a daemon; everything else it forks itself."""

    def __init__(
        self, settings: HostSettings, loaded: Loaded, starter: DaemonStarter, lock_fd: int, directory: Path
    ) -> None:
        self._settings, self._loaded, self._lock_fd = settings, loaded, lock_fd
        self._selector = selectors.DefaultSelector()
        self._signals = SignalWatch()
        self._beats, self._beat_sender = heartbeat_pair()
        self._children = Children()
        self._meter = loaded.open_meter("host")
        self._daemon = DaemonSupervisor(starter, self._children, self._selector, directory)
        self._housekeeping = HousekeepingSupervisor(
            self._children, self._fork_housekeeping, settings.housekeeping_restarts, settings.housekeeping_backoff
        )
        self._state: HostState = "starting"
        self._stop: GracefulStop | None = None
        self._last_round_s = self._written_at_s = time.monotonic()
        self._is_health_written = True
        self._meter.watch("ShardsServed", lambda: len(self._children.of("worker")))
        self._meter.watch("MemoryUsed", lambda: memory_used(self._daemon.pid) if self._daemon.pid else None, "daemon")

    def run(self) -> int:
        """Run to the end. Returns the exit code; whatever happens, no process of ours is left behind."""
        code = 1
        try:
            code = self._run()
        except RestartBoundExceeded as error:
            _log.critical("host_gives_up", reason=str(error))
        finally:
            self._state = "stopped" if code == 0 else "failed"
            self._close()
            _log.info("host_stopped", exit_code=code)
        return code

    def _run(self) -> int:
        for receiver in (self._signals.receiver, self._beats):
            self._selector.register(receiver, selectors.EVENT_READ)
        self._daemon.start()
        self._fork_errand()
        self._housekeeping.start()
        self._state = "running"
        while (code := self._round()) is None:
            self._report(time.monotonic())
        return code

    def _round(self) -> int | None:
        """Wait for something to happen, then look after everything once. Returns the exit code when all is over."""
        self._selector.select(_TICK_S)
        if {signal.SIGTERM, signal.SIGINT} & self._signals.received():
            self._begin_stop(exit_code=0)
        self._daemon.admit(self._fork_worker)
        now_s = self._wake(time.monotonic())
        for beat in received_beats(self._beats):
            self._children.note(beat)
        endings = self._children.reap()
        self._count(endings)
        self._loaded.shards.tell(len(self._children.of("worker")))
        if self._stop is not None:
            return self._stop.step(endings, now_s)
        self._look_after(endings, now_s)
        return None

    def _wake(self, now_s: float) -> float:
        """Forgive every silence where this process itself did not run: its clock went on, its children could not reach it."""
        if now_s - self._last_round_s > _ASLEEP_S:
            self._children.forgive_silence()
        self._last_round_s = now_s
        return now_s

    def _look_after(self, endings: list[Ending], now_s: float) -> None:
        stuck = self._children.stuck(now_s, self._settings.stuck_after_s)
        failure = self._daemon.failure(_of("worker", endings), [child for child in stuck if child.role == "worker"])
        if failure is not None:
            self._meter.count("DaemonRestarts")
            self._daemon.restart(failure, self._settings.daemon_restarts)
            self._fork_errand()
        silent = [child for child in stuck if child.role == "housekeeping"]
        try:
            self._housekeeping.look_after(_of("housekeeping", endings), silent, now_s)
        except RestartBoundExceeded as error:
            _log.critical("housekeeping_given_up", reason=str(error))
            self._begin_stop(exit_code=1)

    def _count(self, endings: list[Ending]) -> None:
        for ending in endings:
            if ending.code != 0 and ending.child.role != "errand":
                self._meter.count("ProcessFailures", of=ending.child.role)
            if ending.code == ExitCode.DELIBERATE_STOP:
                self._meter.count("DeliberateStops")

    def _begin_stop(self, exit_code: int) -> None:
        if self._stop is not None:
            return  # a second signal: `timeout` and terminals send one to the process and one to its group
        _log.info("host_stopping", patience_s=self._settings.stop_after_s)
        self._state = "stopping"
        self._stop = GracefulStop(self._settings, self._daemon, self._housekeeping, self._children, exit_code)

    def _fork_worker(self, arrival: Arrival) -> Child:
        def body() -> int:
            self._forget_host()
            return run_shard_process(arrival, self._loaded, DatagramHeartbeat(self._beat_sender))

        return self._children.fork("worker", body)

    def _fork_housekeeping(self) -> Child:
        def body() -> int:
            self._forget_host()
            return run_housekeeping_process(self._loaded, DatagramHeartbeat(self._beat_sender))

        return self._children.fork("housekeeping", body)

    def _fork_errand(self) -> None:
        """Give the last daemon's leader lock back, while the new one is still starting or when all is over.

        Without room for another process the lock stays, and is free two minutes later.
        """

        def body() -> int:
            self._forget_host()
            return run_errand_process(self._loaded.release_leader, DatagramHeartbeat(self._beat_sender))

        try:
            self._children.fork("errand", body)
        except OSError as error:
            _log.warning("errand_not_forked", error=str(error))

    def _forget_host(self) -> None:
        """In a child: close what belongs to the host. The lock above all: it is for the host and Java."""
        self._daemon.forget_gate()
        self._selector.close()
        self._beats.close()
        self._signals.close_copies()
        os.close(self._lock_fd)

    def _report(self, now_s: float) -> None:
        if now_s - self._written_at_s >= _HEALTH_EVERY_S:
            self._written_at_s = now_s
            self._meter.tick()
            self._write_health(now_s)

    def _write_health(self, now_s: float) -> None:
        """A full disk must not end what works. The file grows old then, and its readers see that."""
        try:
            write_health(self._settings.health_path, self._health(now_s))
            self._is_health_written = True
        except OSError as error:
            if self._is_health_written:
                _log.warning("health_not_written", error=str(error))
            self._is_health_written = False

    def _health(self, now_s: float) -> HostHealth:
        housekeeping = self._housekeeping.child
        return HostHealth(
            written_at=datetime.now(UTC),
            state=self._state,
            host_pid=os.getpid(),
            worker_id=self._settings.kcl.worker_id,
            daemon_pid=self._daemon.pid,
            restarts=self._daemon.restarts,
            stuck_after_s=self._settings.stuck_after_s,
            workers=[worker.health(now_s) for worker in self._children.of("worker")],
            housekeeping=housekeeping.health(now_s) if housekeeping else None,
            last_failure=self._daemon.last_failure,
            log_lines_lost=self._meter.lines_lost,
        )

    def _close(self) -> None:
        self._daemon.close()
        self._fork_errand()  # a daemon that is asked to stop may take the lead again at the last moment, and die with it
        self._children.wait("errand", _ERRAND_S)
        self._housekeeping.kill()
        self._signals.close()
        self._selector.close()
        self._beats.close()
        self._beat_sender.close()
        self._meter.close()
        self._write_health(time.monotonic())


def _of(role: str, endings: list[Ending]) -> list[Ending]:
    return [ending for ending in endings if ending.child.role == role]
