"""What runs in a forked child: the guard around stdin and stdout, the run itself, and the exit code that tells how it ended."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import structlog

from consumer.kinesis.collector import Collector
from consumer.kinesis.exits import ExitCode
from consumer.kinesis.gate import Arrival
from consumer.kinesis.heartbeat import MeteredHeartbeat
from consumer.kinesis.pipe import DaemonGone, DaemonPipe, LauncherGone
from consumer.kinesis.port import Heartbeat, Loaded
from consumer.kinesis.protocol import ProtocolError
from consumer.kinesis.signals import ignore_stop_signals, release_signals
from consumer.kinesis.worker import ShardWorker
from consumer.policies.quarantine import QuarantineLimitExceeded
from consumer.telemetry.metrics import Metrics
from sinks.errors import PermanentSinkError

_log = structlog.get_logger(__name__)
_MAX_MESSAGE = 500
_FRAMES = 6
_STDIN, _STDOUT, _STDERR = 0, 1, 2


def run_shard_process(arrival: Arrival, loaded: Loaded, heartbeat: Heartbeat) -> int:
    """Serve one shard, close its pipes, and only then send the exit code to the launcher. Returns the code."""
    guard_standard_streams()
    ignore_stop_signals()
    release_signals()
    meter = loaded.open_meter("worker")
    code = _coded(lambda: _serve(arrival, loaded, MeteredHeartbeat(heartbeat, meter), meter), heartbeat)
    arrival.close_pipes()
    with suppress(Exception):
        meter.close()
    with suppress(OSError):
        arrival.connection.send(bytes([code]))
    return code


def _serve(arrival: Arrival, loaded: Loaded, heartbeat: Heartbeat, metrics: Metrics) -> None:
    pipe = DaemonPipe(arrival.stdin_fd, arrival.stdout_fd, arrival.connection, heartbeat)
    processor = loaded.make_processor(heartbeat, metrics)
    collector = Collector(time.monotonic())
    ShardWorker(pipe, processor, loaded.stream_epoch, heartbeat, metrics, collector=collector).run()


def run_housekeeping_process(loaded: Loaded, heartbeat: Heartbeat) -> int:
    """Run housekeeping until SIGTERM asks it to stop. Returns the exit code."""
    guard_standard_streams()
    ignore_stop_signals()
    is_stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    release_signals()
    meter = loaded.open_meter("housekeeping")
    pulse = MeteredHeartbeat(heartbeat, meter)
    code = _coded(lambda: loaded.run_housekeeping(pulse, meter, lambda: is_stopping), heartbeat)
    with suppress(Exception):
        meter.close()
    return code


def run_errand_process(run: Callable[[], None], heartbeat: Heartbeat) -> int:
    """Run something short. Returns the exit code."""
    guard_standard_streams()
    ignore_stop_signals()
    release_signals()
    return _coded(run, heartbeat)


def guard_standard_streams() -> None:
    """Point stdin at nothing and stdout at stderr: whatever a library prints can reach neither protocol nor terminal input."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, _STDIN)
    os.close(nowhere)
    os.dup2(_STDERR, _STDOUT)
    sys.stdout = sys.stderr


def _coded(run: Callable[[], None], heartbeat: Heartbeat) -> ExitCode:
    try:
        run()
        return ExitCode.OK
    except BaseException as error:  # noqa: BLE001 - the last line of defence: log it, exit with a code, acknowledge nothing
        code = _code_of(error)
        with suppress(Exception):
            heartbeat.beat(stop_reason=_described(error))
            _log.error("process_stopped", error=_described(error), exit_code=int(code), where=_where(error))
        return code
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()


def _code_of(error: BaseException) -> ExitCode:
    match error:
        case LauncherGone():
            return ExitCode.LAUNCHER_GONE
        case DaemonGone():
            return ExitCode.DAEMON_GONE
        case ProtocolError():
            return ExitCode.PROTOCOL
        case PermanentSinkError() | QuarantineLimitExceeded():
            return ExitCode.DELIBERATE_STOP
        case _:
            return ExitCode.UNCLASSIFIED


def _described(error: BaseException) -> str:
    """Type and first line of the message: a driver adds the values of the row below it."""
    message = str(error) or (type(error).__doc__ or "")
    return f"{type(error).__name__}: {message.splitlines()[0][:_MAX_MESSAGE] if message else ''}"


def _where(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
