"""A worker process as production has it, forked, on real pipes and with a launcher's socket; only its sinks are the bench's choice."""

from __future__ import annotations

import gc
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

from consumer.batch import Reader
from consumer.bench.dialogue import Dialogue, WorkerSilent
from consumer.bench.errors import BenchRefused
from consumer.bench.feed import EPOCH, INITIALIZE, LEASE_LOST, SHUTDOWN
from consumer.bench.sinks import InstantLake, InstantLedger
from consumer.deciding import Decider
from consumer.kinesis.children import Children
from consumer.kinesis.gate import Arrival
from consumer.kinesis.heartbeat import DatagramHeartbeat, heartbeat_pair
from consumer.kinesis.port import Heartbeat, Loaded, ProcessorFactory, ShardProcessor
from consumer.kinesis.shard_process import run_shard_process
from consumer.patience import Patience
from consumer.pipeline import Services, ShardPipeline
from consumer.policies.quarantine import QuarantinePolicy
from consumer.scoring.scorer import Scorer
from consumer.telemetry.emf_reader import read_emf
from consumer.telemetry.log_stream import LogStream
from consumer.telemetry.logs import configure_logs
from consumer.telemetry.measured import MeasuredDeadLetters, MeasuredLake, MeasuredLedger
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.process_meter import open_meter
from sinks.dead_letters.memory import MemoryDeadLetters
from sinks.lake.chunks import CutPolicy
from sinks.port import Lake, Ledger

_END_S = 30.0
Body: TypeAlias = Callable[[], int]
Around: TypeAlias = Callable[[Body], int]
"""What is done around the worker in its own process: nothing, or a profile of it."""


class Worker(NamedTuple):
    """A worker that has its shard: say lines through `dialogue`."""

    pid: int
    dialogue: Dialogue
    beats: socket.socket

    def hear_beats(self) -> None:
        """Empty the queue of heartbeats, as the host does; a full one would cost the worker an exception each."""
        with suppress(BlockingIOError):
            while True:
                self.beats.recv(8192)


def make_pipeline(scorer: Scorer, make_ledger: Callable[[], Ledger], make_lake: Callable[[], Lake]) -> ProcessorFactory:
    """Return what makes a worker's pipeline in its own process, with the meters around the sinks that production has."""

    def make(heartbeat: Heartbeat, metrics: Metrics) -> ShardProcessor:
        services = Services(
            ledger=MeasuredLedger(make_ledger(), metrics, _now),
            lake=MeasuredLake(make_lake(), metrics),
            dead_letters=MeasuredDeadLetters(MemoryDeadLetters(), metrics),
            decider=Decider(scorer, "bench"),
            reader=Reader(),
            retry=Patience(lambda waits_for: heartbeat.beat(waits_for=waits_for), metrics=metrics),
            now=_now,
            steady_s=time.monotonic,
            new_chunk_id=lambda: uuid.uuid4().hex,
            report=lambda facts: heartbeat.beat(waits_for=None, **facts),
            metrics=metrics,
        )
        return ShardPipeline(EPOCH, services, CutPolicy(), QuarantinePolicy())

    return make


def instant_pipeline(scorer: Scorer) -> ProcessorFactory:
    """Return the same with sinks in memory that cost next to nothing."""
    return make_pipeline(scorer, InstantLedger, InstantLake)


def just_run(body: Body) -> int:
    """Do nothing around it."""
    return body()


class _Ends(NamedTuple):
    """Everything between a worker and the daemon, its launcher and the host; of the pipes, the reading end first."""

    stdin: tuple[int, int]
    stdout: tuple[int, int]
    launcher: socket.socket
    connection: socket.socket
    beats: socket.socket
    beat_sender: socket.socket

    def leave_to_worker(self) -> None:
        """Close, in the worker, what is ours."""
        for fd in (self.stdin[1], self.stdout[0], self.launcher.fileno(), self.beats.fileno()):
            os.close(fd)

    def keep_ours(self) -> None:
        """Close, here, what is the worker's: an end that is kept hides that the other one is gone."""
        for fd in (self.stdin[0], self.stdout[1]):
            os.close(fd)
        self.connection.close()
        self.beat_sender.close()


@contextmanager
def a_worker(make_processor: ProcessorFactory, log: Path, around: Around = just_run) -> Iterator[Worker]:
    """Fork a worker, give it the shard, and end it as the daemon would. Its log goes to the file `log`, which is written anew.

    Raises BenchRefused, with the log's end, for a worker that does not end well; ThreadsBeforeForkError where threads run.
    """
    gc.collect()
    gc.freeze()  # as the host does before it forks
    ends, children = _Ends(os.pipe(), os.pipe(), *socket.socketpair(), *heartbeat_pair()), Children()
    child = children.fork("worker", partial(_serve, ends, make_processor, log, around))
    ends.keep_ours()
    worker = Worker(child.pid, Dialogue(ends.stdin[1], ends.stdout[0]), ends.beats)
    try:
        worker.dialogue.say(INITIALIZE)
        yield worker
        _end(worker, ends.launcher)
    except WorkerSilent as silent:
        raise BenchRefused(str(silent), f"the end of its log, {log}:\n{_tail(log)}") from silent
    finally:
        children.kill("worker")
        worker.dialogue.hang_up()
        ends.launcher.close()
        ends.beats.close()


def _serve(ends: _Ends, make_processor: ProcessorFactory, log: Path, around: Around) -> int:
    """Be the worker; returns its exit code."""
    ends.leave_to_worker()
    meter = partial(open_meter, "bench", 60.0, _log_to(log))
    loaded = Loaded(EPOCH, make_processor, lambda *_: None, meter)
    arrival = Arrival(ends.stdin[0], ends.stdout[1], os.dup(2), ends.connection)
    return around(lambda: run_shard_process(arrival, loaded, DatagramHeartbeat(ends.beat_sender)))


def decided(log: Path) -> int:
    """Return how many records a worker that has ended decided, by its own metrics."""
    series = read_emf(log.read_text(errors="replace").splitlines()).get(("DecisionsMade", None))
    return round(series.total) if series else 0


def _end(worker: Worker, launcher: socket.socket) -> None:
    """Let it flush and hang up; it sends its exit code to the launcher last."""
    worker.dialogue.say(SHUTDOWN)
    worker.dialogue.say(LEASE_LOST)
    worker.dialogue.hang_up()
    launcher.settimeout(_END_S)
    try:
        code = launcher.recv(1)
    except TimeoutError as error:
        raise WorkerSilent(f"the worker did not end within {_END_S:.0f} s") from error
    if code != b"\0":
        raise WorkerSilent(f"the worker ended with code {code[0] if code else 'none'}")
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)


def _log_to(log: Path) -> LogStream:
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(fd, 2)
    os.close(fd)
    stream = LogStream()
    configure_logs(stream=stream)
    return stream


def _tail(log: Path, number: int = 8) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-number:]) if log.exists() else "(there is none)"


def _now() -> datetime:
    return datetime.now(UTC)
