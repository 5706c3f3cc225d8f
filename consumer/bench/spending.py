"""What a piece of work takes: CPU of this process, CPU of a server that it waits for, and time on the clock."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from consumer.bench.cpu import family_cpu_s

Work: TypeAlias = Callable[[], object]


class Spent(NamedTuple):
    """Microseconds a record."""

    own_us: float
    server_us: float
    wall_us: float


def spend(works: Sequence[Work], records: int, server_pid: int | None = None) -> Spent:
    """Do all of it, with the garbage collector off, and return what it took per record; `server_pid`: a server with its children."""
    with _no_collector():
        before = _now(server_pid)
        for work in works:
            work()
        after = _now(server_pid)
    return Spent(*(1e6 * (end - start) / records for start, end in zip(before, after, strict=True)))


def _now(server_pid: int | None) -> tuple[float, float, float]:
    return time.process_time(), family_cpu_s(server_pid) if server_pid else 0.0, time.perf_counter()


@contextmanager
def _no_collector() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
