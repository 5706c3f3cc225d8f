"""What the figures were measured on, and whether it was quiet: figures without their machine say nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import NamedTuple

_BUSY = 0.3
"""Load average for each core, before anything is measured, above which the user is warned."""


class Machine(NamedTuple):
    """The machine, as the report and the JSON files tell it."""

    cpu: str
    cores: int
    memory_gib: float
    python: str
    system: str
    load_average: float
    """Of the last minute, when the benchmark began."""

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
    )


def _cpu_name(cpuinfo: Path) -> str:
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
