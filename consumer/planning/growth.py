"""What breaks first as the rate grows, at which rate, and what to do about it. The ledger, long before anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

from consumer.planning.database import disk_for
from consumer.planning.demand import Demand
from consumer.planning.lake import Lake, lake_for
from consumer.planning.ledger import AS_BUILT, LedgerLoad, LedgerTerms, load_of, uses_of
from consumer.planning.limits import GP3_SMALL_GIB, SNS_MESSAGES_S
from consumer.planning.measured import Measured
from consumer.planning.prices import DatabaseClass, Prices
from consumer.planning.stream import stream_for
from consumer.planning.tasks import tasks_for
from consumer.planning.use import Use, highest_rate

GOAL = 1_000_000
"""Events a second that the story goes up to."""


class Step(NamedTuple):
    """Up to `rate` events a second (mean) things stay as they are; then `what` ends and `remedy` is needed.

    `is_built`: no code is missing. `is_ledger`: it is about the ledger and its disk.
    """

    rate: float
    what: str
    remedy: str
    is_built: bool
    is_ledger: bool = False


class Reach(NamedTuple):
    """How far one ledger on the largest class goes with a change: its highest mean rate, what ends it, and how many the goal needs."""

    change: str
    rate: float
    ended_by: str
    ledgers_for_goal: int
    is_built: bool


@dataclass(frozen=True, slots=True)
class _Change:
    name: str
    is_built: bool
    terms: LedgerTerms = AS_BUILT
    poll_ms: int | None = None
    is_behind: bool = False


_CHANGES = (
    _Change("as it is", is_built=True),
    _Change("batches of a second (KclSettings.idle_time_ms)", is_built=True, poll_ms=1_000),
    _Change("ids that ascend, as UUIDv7: the senders' matter", is_built=True, terms=LedgerTerms(has_random_ids=False)),
    _Change("a partition a day, not a week", is_built=False, terms=LedgerTerms(partition_days=1)),
    _Change("low risk written behind, in large batches", is_built=False, is_behind=True),
    _Change("Aurora I/O-Optimized: no images of pages", is_built=False, terms=LedgerTerms(has_pages=False)),
)
_BEHIND_S = 60.0
"""Write-behind gathers for so long, and writes at the mean rate: peaks wait in the lake."""


def reaches(demand: Demand, measured: Measured, prices: Prices) -> tuple[Reach, ...]:
    """Return how far each change alone takes one ledger on the largest class; estimates, all of them, on the measured inputs."""
    largest = prices.steady_classes[-1]
    return tuple(_reach(change, demand, measured, largest) for change in _CHANGES)


def _reach(change: _Change, demand: Demand, measured: Measured, largest: DatabaseClass) -> Reach:
    def uses(rate: float) -> tuple[Use, ...]:
        return uses_of(_load(change, demand, rate), largest, measured, change.terms)

    rate = highest_rate(lambda r: all(use.is_within for use in uses(r)))
    return Reach(change.name, rate, _tightest(uses(max(rate, 1.0))).name, ceil(GOAL / max(rate, 1.0)), change.is_built)


def _load(change: _Change, demand: Demand, rate: float) -> LedgerLoad:
    asked = replace(demand, events_per_second=rate, poll_ms=change.poll_ms or demand.poll_ms)
    stream = stream_for(asked)
    load = load_of(asked, stream)
    return replace(load, rows_s=rate, batches_s=stream.shards / _BEHIND_S) if change.is_behind else load


def _tightest(uses: tuple[Use, ...]) -> Use:
    return max(uses, key=lambda use: use.used / (use.limit * use.fill))


def steps(demand: Demand, measured: Measured, prices: Prices) -> tuple[Step, ...]:
    """Return every step up to the goal, by rate: classes of the ledger, its disk, its end, and the limits of the others."""
    found = [*_ledger_steps(demand, measured, prices), *_other_steps(demand, measured, prices)]
    return tuple(sorted((step for step in found if step.rate < GOAL), key=lambda step: step.rate))


def _ledger_steps(demand: Demand, measured: Measured, prices: Prices) -> Iterator[Step]:
    def uses(rate: float, database: DatabaseClass) -> tuple[Use, ...]:
        return uses_of(_load(_CHANGES[0], demand, rate), database, measured)

    classes = prices.steady_classes
    for database, larger in zip(classes, (*classes[1:], None), strict=True):
        rate = highest_rate(lambda r, one=database: all(use.is_within for use in uses(r, one)))  # type: ignore[misc]
        ended_by = _tightest(uses(max(rate, 1.0), database)).name
        if larger is not None:
            yield Step(rate, f"{database.name}: {ended_by}", larger.name, is_built=True, is_ledger=True)
        else:
            yield Step(
                rate, f"one ledger ({database.name}): {ended_by}", _beyond_one(ended_by), is_built=False, is_ledger=True
            )
    small = highest_rate(lambda r: disk_for(*uses(r, classes[-1])[1:]).gib <= GP3_SMALL_GIB)
    what = "gp3 below 400 GiB: 3,000 IOPS, 125 MiB/s, fixed"
    yield Step(small, what, "order 400 GiB, which has 12,000 IOPS", is_built=True, is_ledger=True)


def _beyond_one(ended_by: str) -> str:
    if ended_by == "disk size":
        return "keep less (--retention-days), or several ledgers by user hash"
    return "several ledgers by user hash, in the ranges of the shards; first the changes below"


def _lake(demand: Demand, measured: Measured, prices: Prices) -> Lake:
    stream = stream_for(demand)
    return lake_for(demand, stream.shards, tasks_for(demand, stream, measured, prices).shards_a_task, measured)


def _other_steps(demand: Demand, measured: Measured, prices: Prices) -> Iterator[Step]:
    def at(rate: float) -> Demand:
        return replace(demand, events_per_second=rate)

    def within(use: Callable[[Demand], Use]) -> float:
        return highest_rate(lambda rate: use(at(rate)).is_within)

    whole = within(lambda d: stream_for(d).uses[3])
    yield Step(whole, stream_for(demand).uses[3].name, "ask AWS to raise it, or several streams", is_built=True)
    tasks = within(lambda d: tasks_for(d, stream_for(d), measured, prices).uses[2])
    yield Step(
        tasks,
        "50 tasks of 16 vCPU, the autoscaling's end",
        "raise the range and the account's vCPU quota",
        is_built=True,
    )
    objects = within(lambda d: _lake(d, measured, prices).uses[0])
    remedy = "larger chunks: more memory for them (--chunk-memory), older ones (--chunk-age)"
    yield Step(objects, "PUT requests into one prefix of S3", remedy, is_built=True)
    alerts = within(lambda d: Use("alerts", d.peak * d.alert_share, SNS_MESSAGES_S, "messages/s"))
    yield Step(alerts, "alerts to SNS", "suppress, raise the threshold, or ask AWS", is_built=True)
