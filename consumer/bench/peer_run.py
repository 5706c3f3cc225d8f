"""One run of a contestant: its program behind real pipes, this process in the daemon's place, and the clocks read before and after."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from consumer.bench.cpu import cpu_s
from consumer.bench.dialogue import Dialogue, WorkerSilent
from consumer.bench.errors import BenchRefused
from consumer.bench.feed import INITIALIZE, LEASE_LOST, SHUTDOWN

_END_S = 60.0
_LAST_WORDS = 1_500
_ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""The host's settings (`prepare_process_environment`), for everybody: one thread is the fastest for models this small."""


class Cost(NamedTuple):
    """What a record cost: µs by the clock, µs of CPU of the consumer and µs of CPU of PostgreSQL."""

    wall_us: float
    consumer_us: float
    database_us: float

    @property
    def cpu_us(self) -> float:
        """µs of CPU of both."""
        return self.consumer_us + self.database_us


class Script(NamedTuple):
    """The lines that a run consists of, ends included: what comes first, what is measured, how many records that is, what comes last."""

    first: Sequence[bytes]
    measured: Sequence[bytes]
    records: int
    last: Sequence[bytes] = ()


def daemon_script(warm_up: Sequence[bytes], measured: Sequence[bytes], records: int) -> Script:
    """Return the script of the daemon. The request to shut down is measured, too: then all that was put off is written."""
    return Script((INITIALIZE, *warm_up), (*measured, SHUTDOWN), records, (LEASE_LOST,))


class _PatientDialogue(Dialogue):
    """Like the daemon, it skips empty lines and does not mind blanks: amazon_kclpy writes both."""

    def _read_line(self) -> bytes:
        while not (line := super()._read_line()):
            pass
        return msgspec.json.encode(msgspec.json.decode(line))


def run(
    command: Sequence[str], script: Script, environment: dict[str, str], log: Path, database_cpu_s: Callable[[], float]
) -> Cost:
    """Start a program, speak the script with it, and return what a measured record cost.

    It gets `environment`, and none of the FRAUDSTREAM_ variables around us: those may name a ledger in use. Raises BenchRefused with the
    end of its log, which is written anew, for one that ends early, hangs, or ends with an error.
    """
    with _started(command, environment, log) as process:
        try:
            with _dialogue_with(process) as dialogue:
                cost = _speak(script, dialogue, lambda: (time.perf_counter(), cpu_s(process.pid), database_cpu_s()))
            code = process.wait(_END_S)
        except (WorkerSilent, msgspec.DecodeError, subprocess.TimeoutExpired) as error:
            raise _failed(command, str(error), log) from error
    if code:
        raise _failed(command, f"it ended with code {code}", log)
    return cost


def _speak(script: Script, dialogue: Dialogue, clocks: Callable[[], tuple[float, ...]]) -> Cost:
    for line in script.first:
        dialogue.say(line)
    before = clocks()
    for line in script.measured:
        dialogue.say(line)
    after = clocks()
    for line in script.last:
        dialogue.say(line)
    return Cost(*((late - early) / script.records * 1e6 for early, late in zip(before, after, strict=True)))


@contextmanager
def _started(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDSTREAM_")}
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env={**inherited, **_ONE_THREAD, **environment},
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _dialogue_with(process: subprocess.Popen[bytes]) -> Iterator[Dialogue]:
    """Take over the pipes; the end of the context is the end of the daemon."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a contestant is started with pipes")
    dialogue = _PatientDialogue(os.dup(process.stdin.fileno()), os.dup(process.stdout.fileno()))
    process.stdin.close()
    process.stdout.close()
    try:
        yield dialogue
    finally:
        dialogue.hang_up()


def _failed(command: Sequence[str], why: str, log: Path) -> BenchRefused:
    words = log.read_text(errors="replace")[-_LAST_WORDS:]
    return BenchRefused(
        f"{Path(command[0]).name} did not do its work: {why}", f"see the end of its log, {log}:\n{words}"
    )
