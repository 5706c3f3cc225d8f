"""Latency hop by hop at fixed rates, in an open loop: each event counts from the moment it was due, whatever the system was doing."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import NamedTuple

from consumer.bench.deployment import System, a_system
from consumer.bench.hops import HOPS, flushes, hops_ms, percentiles
from consumer.bench.load import CUSTOMERS, LoadFiles
from consumer.bench.loader import Order
from consumer.bench.result import Column, Panel, Result, Row, Sample, Target
from consumer.bench.terms import Terms

_FRAUD_SHARE = 0.1
"""Ten times the simulator's, so that there are alerts to be timed."""
_GROUP_S = 0.01
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
_TARGET_RATE = 1_000
_MODES = ("polling", "fan_out")


class _Plan(NamedTuple):
    shards: int
    rates: tuple[int, ...]
    modes: tuple[str, ...]
    rounds: int
    warm_rate: int
    warm_s: float
    seconds: float


_SMOKE = _Plan(1, (100,), ("polling",), 1, 200, 1, 3)
_SHORT = _Plan(4, (100, 1_000, 5_000), _MODES, 1, 2_000, 10, 8)
_FULL = _Plan(4, (100, 1_000, 5_000), _MODES, 3, 2_000, 20, 30)


class _Case(NamedTuple):
    mode: str
    rate: int


class _Seen(NamedTuple):
    """Of one case in one round: quantiles by hop, and how many events they are of."""

    quantiles_ms: dict[str, dict[str, float]]
    numbers: dict[str, int]
    flush_ms: float


def measure(terms: Terms) -> Result:
    """Run every rate in each way of retrieval, the ways in turn, round by round."""
    plan = terms.pick(_SMOKE, _SHORT, _FULL)
    seen: dict[_Case, list[_Seen]] = {_Case(*case): [] for case in product(plan.modes, plan.rates)}
    for number, mode in product(range(plan.rounds), plan.modes):
        terms.say(f"round {number + 1} of {plan.rounds}, {mode}")
        for case, one in _run_mode(terms, plan, mode, terms.folder / f"{mode}-{number}").items():
            seen[case].append(one)
    settings = {"customers": CUSTOMERS, "fraud_share": _FRAUD_SHARE, "group_s": _GROUP_S, "seconds": plan.seconds}
    return Result(
        "latency",
        "Latency by hop at fixed rates (open loop), the whole system on one machine",
        (*(Column(name, "ms", 1) for name in _QUANTILES), Column("events", "", 0), Column("flush", "ms", 1)),
        tuple(row for case, rounds in seen.items() for row in _rows(case, rounds)),
        {**settings, "shards": plan.shards, "seed": terms.seed},
        _NOTES,
        tuple(target for case, rounds in seen.items() for target in _targets(case, rounds)),
        _panel(seen),
    )


_NOTES = (
    "put: when the event was due at the load generator, which sends a group every 10 ms. received: in the worker, decoded next.",
    "committed: PostgreSQL's commit timestamp of the row, which it takes before it flushes its log, and the mean time of a flush.",
    "A rate beyond what the machine keeps up with shows a queue that grows for as long as it is offered, not a latency.",
    "alert: its arrival in the SQS queue. A quantile is left out where fewer events were seen than it takes.",
)


def _run_mode(terms: Terms, plan: _Plan, mode: str, folder: Path) -> dict[_Case, _Seen]:
    folder.mkdir(parents=True, exist_ok=True)
    load = LoadFiles(folder, terms.seed, datetime.now(UTC), fraud_share=_FRAUD_SHARE)
    with a_system(folder, load, plan.shards, {"FRAUDSTREAM_RETRIEVAL": mode}, keeps_commit_times=True) as system:
        terms.say(f"  started in {system.start():.1f} s; warming")
        system.loader.order(Order(plan.warm_rate, plan.warm_s))
        system.drain()
        return {_Case(mode, rate): _run_rate(terms, plan, system, rate) for rate in plan.rates}


def _run_rate(terms: Terms, plan: _Plan, system: System, rate: int) -> _Seen:
    first, before = system.loader.ordered, flushes(system)
    system.loader.order(Order(rate, plan.seconds, _GROUP_S))
    system.drain()
    system.deployment.wait_told()
    flush_ms = flushes(system).mean_ms_since(before)
    by_hop = hops_ms(system, first, system.loader.ordered, flush_ms)
    quantiles = {hop: percentiles(values, _QUANTILES) for hop, values in by_hop.items()}
    whole = quantiles["put → committed"]
    terms.say(f"  {rate:,}/s: put → committed p50 {whole['p50']:.0f} ms, p99 {whole.get('p99', float('nan')):.0f} ms")
    return _Seen(quantiles, {hop: len(values) for hop, values in by_hop.items()}, flush_ms)


def _rows(case: _Case, rounds: list[_Seen]) -> list[Row]:
    rows = []
    for hop in HOPS:
        cells: dict[str, Sample | int] = {"events": sum(one.numbers[hop] for one in rounds)}
        for name in _QUANTILES:
            if values := tuple(one.quantiles_ms[hop][name] for one in rounds if name in one.quantiles_ms[hop]):
                cells[name] = Sample(values)
        if hop == "received → committed":
            cells["flush"] = Sample(tuple(one.flush_ms for one in rounds))
        rows.append(Row(f"{case.rate:,}/s {case.mode}: {hop}", cells))
    return rows


def _panel(seen: dict[_Case, list[_Seen]]) -> Panel:
    """Show the medians from put to commit at the rate of the targets, else at the only one."""
    rate = _TARGET_RATE if any(case.rate == _TARGET_RATE for case in seen) else next(iter(seen)).rate
    shown = {case.mode: rounds for case, rounds in seen.items() if case.rate == rate}
    bars = (
        (mode, Sample(tuple(one.quantiles_ms["put → committed"]["p50"] for one in rounds)))
        for mode, rounds in shown.items()
    )
    return Panel(f"put to commit at {rate:,}/s, p50", "ms", tuple(bars))


def _targets(case: _Case, rounds: list[_Seen]) -> list[Target]:
    """The targets are for 1,000 events a second; of several rounds the middle one counts."""
    if case.rate != _TARGET_RATE:
        return []
    most_ms = {"polling": 200, "fan_out": 60}[case.mode]
    wanted = [("put → committed", "p50", most_ms), ("received → committed", "p99", 30)]
    return [_target(case, hop, name, limit_ms, rounds) for hop, name, limit_ms in wanted]


def _target(case: _Case, hop: str, name: str, limit_ms: int, rounds: list[_Seen]) -> Target:
    reached_ms = Sample(tuple(one.quantiles_ms[hop].get(name, float("inf")) for one in rounds)).middle
    measured = f"{hop} at {case.rate:,}/s, {case.mode}, {name}"
    return Target(measured, f"≤ {limit_ms} ms", f"{reached_ms:.0f} ms", reached_ms <= limit_ms)
