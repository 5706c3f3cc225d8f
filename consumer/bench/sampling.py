"""What /proc says of a group of processes: processor time and memory, and how busy the whole machine was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from consumer.bench.cpu import cpu_s, reaped_cpu_s

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KIB = 1024


class Memory(NamedTuple):
    """Bytes in memory: `rss` counts shared pages in every process, `pss` divides each by those who share it."""

    rss: int
    pss: int

    def __add__(self, other: object) -> Memory:
        """Return the sum of both."""
        if not isinstance(other, Memory):
            return NotImplemented
        return Memory(self.rss + other.rss, self.pss + other.pss)


class Machine(NamedTuple):
    """Processor seconds of all cores since the start of the machine; `stolen_s` went to other machines on the same host."""

    busy_s: float
    idle_s: float
    stolen_s: float


def memory(pid: int) -> Memory:
    """Return the memory of a process, nothing where it has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kib = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
        return Memory(kib["Rss:"] * _KIB, kib["Pss:"] * _KIB)
    return Memory(0, 0)


def cpu_by_kind(members: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Return the processor seconds of each kind of process, those of its ended children included."""
    return {kind: sum(map(_cpu_s, pids)) for kind, pids in members.items()}


def memory_by_kind(members: Mapping[str, Iterable[int]]) -> dict[str, Memory]:
    """Return the memory of each kind of process."""
    return {kind: sum(map(memory, pids), Memory(0, 0)) for kind, pids in members.items()}


def machine() -> Machine:
    """Return what the machine has done so far."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, idle, iowait, irq, soft_irq, stolen = (tick / _TICKS_PER_S for tick in ticks)
    return Machine(user + nice + system + irq + soft_irq, idle + iowait, stolen)


def _cpu_s(pid: int) -> float:
    with suppress(OSError):
        return cpu_s(pid) + reaped_cpu_s(pid)
    return 0.0
