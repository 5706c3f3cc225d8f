"""What the figures were measured on, and whether it was quiet: figures without their machine say nothing."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

_BUSY = 0.3
"""Load average for each core, before anything is measured, above which the user is warned."""
_TRIES, _ROUNDS = 9, 2_000


class Machine(NamedTuple):
    """The machine, as the report and the JSON files tell it."""

    cpu: str
    cores: int
    memory_gib: float
    python: str
    system: str
    load_average: float
    """Of the last minute, when the benchmark began."""
    pace_ms: tuple[float, ...]
    """What a fixed piece of work took, before a part and after it: a shared machine's own speed moves, and figures with it."""

    @property
    def is_busy(self) -> bool:
        """Whether other programs take so much of it that the figures will be noisy."""
        return self.load_average > _BUSY * self.cores


def this_machine() -> Machine:
    """Look at the machine."""
    return Machine(
        cpu=_cpu_name(Path("/proc/cpuinfo")),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        python=platform.python_version(),
        system=platform.platform(terse=True),
        load_average=round(os.getloadavg()[0], 2),
        pace_ms=(pace_ms(),),
    )


def pace_ms() -> float:
    """Return the milliseconds of CPU that a fixed piece of work takes now, the middle of several tries; figures relate by it.

    It reads and writes JSON and keeps a dictionary, as a worker does, so that what slows one slows the other.
    """
    return round(sorted(map(_try_ms, range(_TRIES)))[_TRIES // 2], 2)


def _try_ms(number: int) -> float:
    start_s, kept = time.process_time(), {}
    for each in range(_ROUNDS):
        event = json.loads(
            json.dumps({"id": f"{number}-{each}", "amount": each / 7, "tags": ["a", "b", "c"], "at": each})
        )
        kept[event["id"]] = event
    return (time.process_time() - start_s) * 1000


def _cpu_name(cpuinfo: Path) -> str:
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
