"""The whole system on this machine: the highest rate with a bounded lag, by shards, what it costs in CPU, and the audit of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from consumer.bench.audited import Audited, audit_apart
from consumer.bench.deployment import System, a_system
from consumer.bench.load import CUSTOMERS, LoadFiles
from consumer.bench.loader import Order
from consumer.bench.probing import Stretch, highest_rate, run_stretch
from consumer.bench.result import Column, Panel, Result, Row, Target
from consumer.bench.terms import Terms

_WANTED = 15_000
_WANTED_SHARDS = 4
_KINDS = ("load", "emulator", "java", "workers", "other", "postgres")
_STEP_DOWN = 0.9
"""A minute meets what the seconds of a probe do not, so the first rate that is held is a step below the one found."""
_OF_THE_DRAIN = 0.85
"""A backlog is dealt with faster than a stream, in full batches and with nobody sending: the search begins below that rate."""

_SETTINGS = {"FRAUDSTREAM_HISTORY_TRANSACTIONS": "1200000"}
"""Room, about 200 MB, for the past of all that a minute brings: with less, users are asked for again and again."""


class _Plan(NamedTuple):
    shards: tuple[int, ...]
    warm_rate: float
    warm_s: float
    burst: int
    probe_s: float
    factor: float
    precision: float
    tries: int
    hold_s: float
    holds: int
    holds_afresh: bool = True


class _Holding(NamedTuple):
    stretch: Stretch
    latencies_ms: tuple[float, float]


class _Held(NamedTuple):
    stretch: Stretch
    latencies_ms: tuple[float, float]
    audited: Audited


_SMOKE = _Plan((1,), 300, 1, 500, 2, 2.0, 2.0, 2, 2, 1, holds_afresh=False)
_SHORT = _Plan((4,), 2_000, 10, 30_000, 8, 1.15, 1.15, 3, 30, 2)
_FULL = _Plan((1, 2, 4, 8), 2_000, 20, 60_000, 15, 1.2, 1.05, 10, 60, 5)


def measure(terms: Terms) -> Result:
    """Search and hold for each number of shards. The target is for four."""
    plan = terms.pick(_SMOKE, _SHORT, _FULL)
    held = {shards: _measure(terms, plan, shards) for shards in plan.shards}
    return Result(
        "end-to-end",
        "Load generator, emulator, Java, workers, PostgreSQL, lake and alerts on one machine: the highest rate held",
        _COLUMNS,
        tuple(_row(shards, one) for shards, one in held.items()),
        {"customers": CUSTOMERS, "hold_s": plan.hold_s, "fsync": "on", "seed": terms.seed, **_SETTINGS},
        _NOTES,
        tuple(_target(held[shards]) for shards in plan.shards if shards == _WANTED_SHARDS),
        Panel("end to end", "events/s", tuple((_bar(shards, one), one.stretch.rate) for shards, one in held.items())),
    )


def _measure(terms: Terms, plan: _Plan, shards: int) -> _Held:
    """Search in one system and hold in a fresh one: histories and tables grow with all that a system was sent."""
    with _warm_system(terms, plan, shards, "search") as system:
        rate = _search(terms, plan, system)
        if not plan.holds_afresh:
            return _audited(terms, system, _hold(terms, plan, system, rate))
    for number in range(plan.holds):
        rate *= _STEP_DOWN
        with _warm_system(terms, plan, shards, f"hold-{number + 1}") as system:
            holding = _hold(terms, plan, system, rate)
            if holding.stretch.is_bounded or number + 1 == plan.holds:
                return _audited(terms, system, holding)
    raise AssertionError("a plan holds at least once")


@contextmanager
def _warm_system(terms: Terms, plan: _Plan, shards: int, purpose: str) -> Iterator[System]:
    folder = terms.folder / f"{shards}-{purpose}"
    folder.mkdir(parents=True, exist_ok=True)
    with a_system(folder, LoadFiles(folder, terms.seed, datetime.now(UTC)), shards, _SETTINGS) as system:
        terms.say(f"{_name(shards)}: started in {system.start():.1f} s; warming, to {purpose}")
        system.loader.order(Order(plan.warm_rate, plan.warm_s))
        system.drain()
        yield system


def _search(terms: Terms, plan: _Plan, system: System) -> float:
    drained = _drain_rate(plan, system)
    terms.say(f"  a backlog of {plan.burst:,} is dealt with at {drained:,.0f}/s")

    def is_bounded(rate: float) -> bool:
        stretch = run_stretch(system, rate, plan.probe_s)
        _tell(terms, stretch)
        system.drain()
        return stretch.is_bounded

    rate = highest_rate(is_bounded, drained * _OF_THE_DRAIN, plan.factor, plan.precision, plan.tries)
    return rate or drained * _OF_THE_DRAIN / 10


def _hold(terms: Terms, plan: _Plan, system: System, rate: float) -> _Holding:
    since = datetime.now(UTC)
    stretch = run_stretch(system, rate, plan.hold_s)
    _tell(terms, stretch)
    latencies_ms = system.deployment.reader.latencies_ms(since) or (0.0, 0.0)
    system.drain()
    return _Holding(stretch, latencies_ms)


def _audited(terms: Terms, system: System, holding: _Holding) -> _Held:
    """Stop the system and audit all that it was sent."""
    terms.say(f"  stopping, then the audit of {system.loader.sent:,} events")
    return _Held(*holding, audit_apart(system))


def _drain_rate(plan: _Plan, system: System) -> float:
    """Send a burst as fast as the emulator takes it; return how many records a second were dealt with after its last one."""
    system.loader.order(Order(0, 0, events=plan.burst))
    system.loader.wait_sent()
    waiting = system.loader.ordered - system.progress().records
    return max(waiting, plan.burst // 4) / max(0.5, system.drain())


def _tell(terms: Terms, stretch: Stretch) -> None:
    verdict = "kept up" if stretch.is_bounded else "fell behind"
    kinds = ", ".join(f"{kind} {used_us:.0f}" for kind, used_us in stretch.cpu_us.items())
    terms.say(
        f"  {stretch.rate:,.0f}/s: {verdict}, backlog {stretch.backlog_s:.2f} s, growing by {stretch.growth:.1%};"
        f" {sum(stretch.cpu_us.values()):.0f} µs CPU a record ({kinds}), {stretch.our_cores:.2f} cores, others {stretch.other_cores:.2f}"
    )


_COLUMNS = (
    Column("rate", "events/s", 0),
    Column("bounded", ""),
    Column("backlog", "s", 2),
    Column("p50", "ms", 0),
    Column("p99", "ms", 0),
    *(Column(kind, "µs", 1) for kind in _KINDS),
    Column("all", "µs", 1),
    Column("cores", "", 2),
    Column("others", "cores", 2),
    Column("audit", ""),
)
_NOTES = (
    "backlog: the largest in the second half, in seconds of the rate. p50, p99: arrival to score. µs: CPU a record, of the steady part.",
    "load: the generator. emulator: Kinesis, DynamoDB, S3, SNS and SQS. other: host, housekeeping and launchers.",
    "others: cores that were busy with what is not ours; the rate would be higher without.",
)


def _row(shards: int, held: _Held) -> Row:
    stretch, (p50_ms, p99_ms) = held.stretch, held.latencies_ms
    cpu_us = stretch.cpu_us
    return Row(
        _name(shards),
        {
            "rate": stretch.rate,
            "bounded": "yes" if stretch.is_bounded else "no",
            "backlog": stretch.backlog_s,
            "p50": p50_ms,
            "p99": p99_ms,
            **{kind: cpu_us.get(kind, 0.0) for kind in _KINDS},
            "all": sum(cpu_us.values()),
            "cores": stretch.our_cores,
            "others": stretch.other_cores,
            "audit": held.audited.verdict,
        },
    )


def _bar(shards: int, held: _Held) -> str:
    return _name(shards) if held.stretch.is_bounded else f"{_name(shards)}, not held"


def _name(shards: int) -> str:
    return f"{shards} shard{'s' if shards > 1 else ''}"


def _target(held: _Held) -> Target:
    rate, is_held = held.stretch.rate, held.stretch.is_bounded and held.audited.is_proof
    reached = f"{rate:,.0f}/s, {'' if held.stretch.is_bounded else 'not '}bounded, {held.audited.verdict}"
    return Target(
        f"end to end, 4 shards, {held.stretch.looks[-1].at_s:.0f} s, audit clean",
        f"≥ {_WANTED:,}/s",
        reached,
        is_held and rate >= _WANTED,
    )
