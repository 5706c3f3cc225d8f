"""Part `pipe`: a real worker process through its pipes, sinks in memory. What the worker itself costs, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from consumer.bench.cpu import cpu_s
from consumer.bench.errors import BenchRefused
from consumer.bench.feed import lines, wire_records
from consumer.bench.interleave import interleaved
from consumer.bench.result import Column, Panel, Result, Row, Sample, Target
from consumer.bench.terms import Terms
from consumer.bench.worker import Worker, a_worker, decided, instant_pipeline
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from consumer.scoring.scorer import Scorer

SIZES = (1, 10, 100, 500, 1000, 5000)
WARM_UP_SIZE = 500
_EVENT_BUNDLE = Path(__file__).parents[2] / "tests" / "data" / "event_bundle"
_BUDGET_US = 25.0
_AIM = ("velocity", 500)
_COLUMNS = (
    Column("records/s", "", 0),
    Column("CPU per record", "µs"),
    Column("batch p50", "ms", 2),
    Column("batch p99", "ms", 2),
)


class Plan(NamedTuple):
    """How many records a worker is given: some to get warm with, then those that are measured."""

    warm_up: int
    at_one: int
    at_ten: int
    more: int
    rounds: int

    def measured(self, size: int) -> int:
        """Return how many records are measured in batches of `size`; small batches take longer a record."""
        return {1: self.at_one, 10: self.at_ten}.get(size, self.more)

    def settings(self) -> dict[str, int]:
        """Return the numbers with their names for a report."""
        names = ("records to warm up", "then at batch 1", "at batch 10", "at larger ones", "rounds")
        return dict(zip(names, self, strict=True))


class Turn(NamedTuple):
    """What one worker took for its measured records."""

    records: int
    cpu_s: float
    batches_s: tuple[float, ...]

    def cells(self) -> tuple[float, ...]:
        """Return the figures in the order of the columns."""
        ordered = sorted(self.batches_s)
        return (
            self.records / sum(ordered),
            1e6 * self.cpu_s / self.records,
            1e3 * _percentile(ordered, 0.5),
            1e3 * _percentile(ordered, 0.99),
        )


def plan_of(terms: Terms) -> Plan:
    """Return the sizes for the scale; at `short` the part takes about a minute."""
    return terms.pick(
        Plan(500, 50, 100, 5_000, 1), Plan(10_000, 2_000, 10_000, 20_000, 2), Plan(40_000, 10_000, 40_000, 60_000, 7)
    )


def measure(terms: Terms) -> Result:
    """Run every model at every batch size, a fresh worker each, round by round."""
    plan, scorers = plan_of(terms), _scorers()
    terms.say("simulating events")
    records = wire_records(plan.warm_up + plan.measured(max(SIZES)), terms.seed)
    contestants: dict[str, Callable[[], Turn]] = {
        label(model, size): partial(_turn, terms, scorer, records, size)
        for model, scorer in scorers.items()
        for size in SIZES
    }
    turns = interleaved(contestants, plan.rounds, terms.seed, terms.say)
    return _result(terms, plan, scorers, {name: _row(name, each) for name, each in turns.items()})


def label(model: str, size: int) -> str:
    """Return the label of a row."""
    return f"{model}, batch {size}"


def warm_up(worker: Worker, records: Sequence[bytes]) -> None:
    """Give the worker a past to remember, in batches of a size that is quick."""
    for line in lines(records, WARM_UP_SIZE):
        worker.dialogue.say(line)
        worker.hear_beats()


def _turn(terms: Terms, scorer: Scorer, records: Sequence[bytes], size: int) -> Turn:
    plan, log = plan_of(terms), terms.folder / "worker.log"
    measured = records[plan.warm_up :][: plan.measured(size)]
    with a_worker(instant_pipeline(scorer), log) as worker:
        warm_up(worker, records[: plan.warm_up])
        before_s, batches_s = cpu_s(worker.pid), []
        for line in lines(measured, size):
            batches_s.append(worker.dialogue.say(line))
            worker.hear_beats()
        turn = Turn(len(measured), cpu_s(worker.pid) - before_s, tuple(batches_s))
    require_all(log, plan.warm_up + len(measured))
    return turn


def require_all(log: Path, records: int) -> None:
    """Raise BenchRefused unless the worker decided every record: refused ones would be cheap."""
    if (made := decided(log)) != records:
        raise BenchRefused(f"the worker decided {made} of {records} records", f"see its log, {log}")


def _scorers() -> dict[str, Scorer]:
    """Return the committed default model and, in a checkout, the small one of the tests, which sees the event only."""
    bundles = {"velocity": DEFAULT_BUNDLE, "event": _EVENT_BUNDLE}
    return {name: Scorer(load_bundle(folder)) for name, folder in bundles.items() if folder.exists()}


def _row(name: str, turns: Sequence[Turn]) -> Row:
    figures = zip(*(turn.cells() for turn in turns), strict=True)
    return Row(name, {column.name: Sample(values) for column, values in zip(_COLUMNS, figures, strict=True)})


def _result(terms: Terms, plan: Plan, scorers: dict[str, Scorer], rows: dict[str, Row]) -> Result:
    cpu = {name: row.cells["CPU per record"] for name, row in rows.items()}
    bars = tuple((f"batch {size}", _sample(cpu[label("velocity", size)])) for size in SIZES[1:])  # at 1 it dwarfs them
    models = {f"model, {name}": f"{each.model_version} on {each.feature_set}" for name, each in scorers.items()}
    return Result(
        part="pipe",
        title="A worker process, from its pipe to decisions; ledger, lake and dead letters in memory",
        columns=_COLUMNS,
        rows=tuple(rows.values()),
        settings={**plan.settings(), **models, "seed": terms.seed},
        notes=(
            "A fresh worker each time, warmed up in batches of 500; records/s while it has a batch; CPU of its process alone.",
            "Lines are built ahead; the past of a user is what the worker saw: the ledger in memory has none.",
        ),
        targets=(_target(_sample(cpu[label(*_AIM)])),),
        panel=Panel("CPU per record, pipe to decision", "µs", bars),
    )


def _target(found: Sample) -> Target:
    wanted, reached = f"≤ {_BUDGET_US:.0f} µs", f"{found.middle:.1f} µs"
    return Target("CPU per record with velocity, batch 500", wanted, reached, found.middle <= _BUDGET_US)


def _sample(cell: object) -> Sample:
    if not isinstance(cell, Sample):
        raise TypeError(f"a sample was expected, not {cell!r}")
    return cell


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
