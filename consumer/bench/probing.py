"""Finding the highest rate that a running system keeps up with: one stretch of load at a rate, its verdict, and the search."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from consumer.bench.deployment import System
from consumer.bench.line import fit
from consumer.bench.loader import Order
from consumer.bench.sampling import Machine, cpu_by_kind, machine

_GROUP_S = 0.025
"""How often the loader sends: as a publisher that gathers for so long."""
_LOOK_EVERY_S = 0.5
_BACKLOG_AT_MOST_S = 2.0
"""Polling, a batch in the works, a checkpoint of the database: so much of the rate may be outstanding at any time."""
_SMALL_BACKLOG_S = 1.0
_GROWTH_AT_MOST = 0.02
_HARD_LIMIT_S = 6.0


class Look(NamedTuple):
    """Seconds since the start of the stretch, and how many records were due but not dealt with when the host last wrote its health."""

    at_s: float
    backlog: int


class Mark(NamedTuple):
    """What had been used and dealt with at a moment."""

    at_s: float
    processed: int
    cpu_s: dict[str, float]
    machine: Machine


class Stretch(NamedTuple):
    """A time under load at one rate, as it was seen. Between the marks, its last three quarters, the load was steady."""

    rate: float
    looks: tuple[Look, ...]
    first: Mark
    last: Mark

    @property
    def backlog_s(self) -> float:
        """The largest backlog of the second half, in seconds of the rate."""
        return max(look.backlog for look in self._second_half()) / self.rate

    @property
    def growth(self) -> float:
        """By what share of the rate the backlog grew in the second half, by least squares."""
        return fit([(look.at_s, look.backlog) for look in self._second_half()]).slope / self.rate

    @property
    def is_bounded(self) -> bool:
        """Whether the system kept up: little is outstanding, and it does not become more."""
        is_small = self.backlog_s <= _BACKLOG_AT_MOST_S
        return is_small and (self.growth <= _GROWTH_AT_MOST or self.backlog_s <= _SMALL_BACKLOG_S)

    @property
    def seconds(self) -> float:
        """The time between the marks."""
        return self.last.at_s - self.first.at_s

    @property
    def cpu_us(self) -> dict[str, float]:
        """Microseconds of processor time for a record, by kind of process."""
        records = max(1, self.last.processed - self.first.processed)
        return {
            kind: (used - self.first.cpu_s.get(kind, 0.0)) / records * 1e6 for kind, used in self.last.cpu_s.items()
        }

    @property
    def our_cores(self) -> float:
        """How many cores all kinds together kept busy."""
        return sum(used - self.first.cpu_s.get(kind, 0.0) for kind, used in self.last.cpu_s.items()) / self.seconds

    @property
    def other_cores(self) -> float:
        """How many cores were busy with what is not ours, or were taken by other machines on the same host."""
        before, after = self.first.machine, self.last.machine
        used_s = after.busy_s - before.busy_s + after.stolen_s - before.stolen_s
        return max(0.0, used_s / self.seconds - self.our_cores)

    def _second_half(self) -> list[Look]:
        return [look for look in self.looks if look.at_s >= self.looks[-1].at_s / 2]


def run_stretch(system: System, rate: float, seconds: float) -> Stretch:
    """Load a system that has no backlog, and watch; give up early where the backlog is beyond hope."""
    before = system.progress().records
    system.loader.order(Order(rate, seconds, _GROUP_S))
    start_s, looks, first = time.time(), [Look(0.0, 0)], _mark(system, 0.0)
    while (at_s := time.time() - start_s) < seconds and looks[-1].backlog < _HARD_LIMIT_S * rate:
        if not first.at_s and at_s > seconds / 4:
            first = _mark(system, at_s)
        time.sleep(_LOOK_EVERY_S)
        seen = system.progress()
        due = round(rate * min(max(0.0, seen.at_s - start_s), seconds))
        looks.append(Look(time.time() - start_s, due - (seen.records - before)))
    last = _mark(system, time.time() - start_s)
    return Stretch(rate, tuple(looks), first, last)


def _mark(system: System, at_s: float) -> Mark:
    system.environment.check()
    return Mark(at_s, system.progress().records, cpu_by_kind(system.members()), machine())


def highest_rate(
    is_bounded: Callable[[float], bool], first: float, factor: float, precision: float, tries: int
) -> float:
    """Return the highest rate tried for which `is_bounded`, 0 where none was.

    Goes up or down from `first` by `factor` until the verdict changes, then halves the ratio in between until it is below `precision`;
    gives up after so many `tries`.
    """
    low, high, rate = 0.0, 0.0, first
    for _ in range(tries):
        if is_bounded(rate):
            low = rate
        else:
            high = rate
        if low and high and high / low <= precision:
            break
        rate = (low * high) ** 0.5 if low and high else rate * factor if low else rate / factor
    return low
