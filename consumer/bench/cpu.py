"""CPU time of other processes, to the nanosecond and with all of their threads (Linux): `ps` knows hundredths of a second only."""

import os
import time
from contextlib import suppress
from pathlib import Path

_PROCESS_CLOCK = 2  # CPUCLOCK_SCHED, process-wide: see clock_getcpuclockid(3) and the kernel's posix-timers.h
_REAPED = slice(13, 15)
"""Where `/proc/PID/stat` has cutime and cstime, counted behind the name: what children used that have ended."""


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process used so far. Raises OSError where it has ended."""
    return time.clock_gettime(~pid << 3 | _PROCESS_CLOCK)


def family_cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process and all its children used so far, those that have ended (to 10 ms) included.

    PostgreSQL's main process has one child a connection, and those that write in the background. A child that ends at this very
    moment is left out until its parent has waited for it.
    """
    total_s = cpu_s(pid) + reaped_cpu_s(pid)
    for child in _children(pid):
        with suppress(OSError):
            total_s += family_cpu_s(child)
    return total_s


def reaped_cpu_s(pid: int) -> float:
    """Return the seconds of CPU of the children that a process had and has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[_REAPED])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
