"""Exit codes of the worker, launcher and housekeeping processes, each with its cause and remedy for the log."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class ExitCode(IntEnum):
    """How one of our processes ended. `launcher.py` repeats NO_HOST and NO_CODE, because it imports nothing of ours."""

    OK = 0
    NO_HOST = 69
    NO_CODE = 70
    LAUNCHER_GONE = 71
    DAEMON_GONE = 72
    PROTOCOL = 73
    UNCLASSIFIED = 74
    DELIBERATE_STOP = 78


class Meaning(NamedTuple):
    """What an operator wants to know about an exit code."""

    cause: str
    remedy: str


_MEANINGS = {
    ExitCode.OK: Meaning("it ended as asked", "none needed"),
    ExitCode.NO_HOST: Meaning("the launcher found no host on its socket", "see why the host ended"),
    ExitCode.NO_CODE: Meaning(
        "the launcher's worker ended without a code", "look for a kill or a crash in the system log"
    ),
    ExitCode.LAUNCHER_GONE: Meaning("the worker's launcher ended first", "see why the daemon or its launcher ended"),
    ExitCode.DAEMON_GONE: Meaning("the daemon closed its pipe in the middle of a shard", "read the daemon's log"),
    ExitCode.PROTOCOL: Meaning(
        "the daemon sent what the protocol does not allow", "compare the versions of amazon_kclpy"
    ),
    ExitCode.UNCLASSIFIED: Meaning(
        "an error that nobody classified", "read the error logged before; it is ours to fix"
    ),
    ExitCode.DELIBERATE_STOP: Meaning(
        "the pipeline stopped on purpose, without a checkpoint (quarantine limit or permanent sink error)",
        "read the error logged before, put its cause right, start again: nothing is lost, the records are still unread",
    ),
}


def describe_exit(code: int) -> Meaning:
    """Return the cause and remedy of an exit code as `os.waitstatus_to_exitcode` gives it (negative: killed by a signal)."""
    if code < 0:
        return Meaning(
            f"killed by signal {-code}", "9: out of memory, or stopped by the host or by hand; 11: a native crash"
        )
    try:
        return _MEANINGS[ExitCode(code)]
    except ValueError:
        return Meaning(f"unknown exit code {code}", "read the log before it")
