"""What /proc says of processes: who is whose child, what they do and what they hold. Linux only, as the product is."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

_GONE = {None, "Z", "X"}


def state_of(pid: int) -> str | None:
    """Return the kernel's letter: R, S, D run or wait, T is stopped, Z is dead and not reaped; None where there is none."""
    stat = _stat(pid)
    return stat[0] if stat else None


def is_alive(pid: int) -> bool:
    """Whether the process is there and has not ended."""
    return state_of(pid) not in _GONE


def family(pid: int) -> list[int]:
    """Return the process and all its descendants that are alive, each parent before its children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        if (stat := _stat(int(entry.name))) and stat[0] not in _GONE:
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found = [pid] if is_alive(pid) else []
    for member in found:
        found += sorted(children.get(member, []))
    return found


def pause(pid: int) -> list[int]:
    """Stop a process and its whole family, whatever it forks meanwhile; return who was stopped."""
    stopped: list[int] = []
    while running := [one for one in family(pid) if one not in stopped]:
        for one in running:
            signal_to(one, signal.SIGSTOP)
        stopped += running
    return stopped


def resume(pids: list[int]) -> None:
    """Let stopped processes go on, children first: a parent that wakes finds them awake."""
    for pid in reversed(pids):
        signal_to(pid, signal.SIGCONT)


def signal_to(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that has ended is left in peace."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def private_bytes(pid: int) -> int:
    """Return the memory that the process shares with nobody, 0 where it has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024
    return 0


def _stat(pid: int) -> list[str] | None:
    """Return the fields after the command's name: state, parent, and so on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
