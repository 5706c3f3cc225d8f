"""Part `stages`: what each stage costs alone, by batch size. In one process, the collector off, rounds interleaved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from consumer.batch import Reader, identity_of
from consumer.bench.feed import process_records
from consumer.bench.interleave import interleaved
from consumer.bench.materials import Bench, Materials, alerts_of, compose, make_bench, read_line, velocity
from consumer.bench.result import Column, Panel, Result, Row, Sample
from consumer.bench.spending import Spent, Work, spend
from consumer.bench.stages_database import Database, a_database
from consumer.bench.terms import Terms
from consumer.scoring.features import EVENT, Memory
from consumer.scoring.scorer import Scored, Scorer
from schemas.decision import Decision, Identity
from schemas.position import StreamRecord
from schemas.transaction import Received
from sinks.lake.parquet import encode, to_table

SIZES = (1, 10, 100, 500, 1000, 5000)
_SHOWN = "batch 500"
Prepare: TypeAlias = Callable[[Bench, Sequence[Materials]], list[Work]]
"""Makes the work of each batch ready; only the calls of what it returns are measured."""


class Stage(NamedTuple):
    """One stage: slow ones get fewer records in small batches, those that ask the database get three rows."""

    prepare: Prepare
    is_slow: bool = False
    asks_database: bool = False


class Plan(NamedTuple):
    """How many records came before, and how many a stage is measured on by its batch size."""

    past: int
    quick: Mapping[int, int]
    slow: Mapping[int, int]
    rounds: int

    def measured(self, size: int, *, is_slow: bool) -> int:
        """Return the number of records."""
        given = self.slow if is_slow else self.quick
        return max(size, given.get(size, given[0]))


SMOKE = Plan(300, {1: 10, 10: 50, 0: 200}, {1: 5, 10: 20, 0: 100}, 1)
SHORT = Plan(20_000, {1: 1_000, 10: 4_000, 0: 10_000}, {1: 200, 10: 1_000, 100: 3_000, 0: 5_000}, 5)
FULL = Plan(40_000, {1: 2_000, 10: 8_000, 0: 20_000}, {1: 400, 10: 2_000, 100: 6_000, 0: 10_000}, 9)


def measure(terms: Terms) -> Result:
    """Prepare the same events in every form, then let stages and batch sizes take turns."""
    plan = terms.pick(SMOKE, SHORT, FULL)
    terms.say("taking simulated events through every stage")
    bench = make_bench(plan.past, max(plan.measured(size, is_slow=False) for size in SIZES), terms.seed)
    terms.say(f"starting PostgreSQL with a past of {plan.past} decisions")
    with a_database(terms.folder, bench) as database:
        stages = {**_deciding_stages(database), **_storing_stages(database)}
        for stage in stages.values():
            spend(stage.prepare(bench, bench.now.batches(1, 1)), 1)  # first calls import and prepare
        contestants: dict[str, Callable[[], Spent]] = {
            _key(name, size): partial(_turn, bench, stage, size, plan, database.pid)
            for name, stage in stages.items()
            for size in SIZES
        }
        found = interleaved(contestants, plan.rounds, terms.seed, terms.say)
    return _result(terms, plan, bench, [row for name, stage in stages.items() for row in _rows(name, stage, found)])


def _turn(bench: Bench, stage: Stage, size: int, plan: Plan, server_pid: int) -> Spent:
    number = plan.measured(size, is_slow=stage.is_slow)
    works = stage.prepare(bench, bench.now.batches(size, number))
    return spend(works, number, server_pid if stage.asks_database else None)


def _deciding_stages(database: Database) -> dict[str, Stage]:
    return {
        "protocol line": Stage(_each(lambda _, batch: partial(read_line, process_records(batch.wire).rstrip()))),
        "decode": Stage(_each(lambda _, batch: partial(_read, batch.records))),
        "features of the event": Stage(_each(lambda _, batch: partial(EVENT.compute, batch.transactions))),
        "features, velocity, warm": Stage(_warm),
        "features, velocity, cold": Stage(database.cold, is_slow=True, asks_database=True),
        "model": Stage(_each(lambda bench, batch: partial(bench.bundle.model.probabilities, batch.features))),
        "policy": Stage(_each(_policy)),
        "score (model, policy, reasons)": Stage(
            _each(lambda bench, batch: partial(bench.scorer.score_vectors, batch.features, batch.transactions))
        ),
        "compose decisions and alerts": Stage(
            _each(lambda bench, batch: partial(_compose, bench.scorer, batch.received, batch.scored))
        ),
    }


def _storing_stages(database: Database) -> dict[str, Stage]:
    return {
        "ledger commit": Stage(database.commit, is_slow=True, asks_database=True),
        "Arrow table": Stage(_each(lambda _, batch: partial(to_table, batch.decisions)), is_slow=True),
        "Parquet file (Arrow included)": Stage(_each(lambda _, batch: partial(encode, batch.decisions)), is_slow=True),
    }


def _each(prepare_one: Callable[[Bench, Materials], Work]) -> Prepare:
    def prepare(bench: Bench, batches: Sequence[Materials]) -> list[Work]:
        return [prepare_one(bench, batch) for batch in batches]

    return prepare


def _read(records: Sequence[StreamRecord]) -> None:
    reader = Reader()
    for record in records:
        reader.read(record)


def _warm(bench: Bench, batches: Sequence[Materials]) -> list[Work]:
    memory = Memory()
    for batch in bench.past.batches(500, len(bench.past.received)):
        velocity(memory, batch.received, _effective(batch))
    return [partial(velocity, memory, batch.received, _effective(batch)) for batch in batches]


def _effective(batch: Materials) -> dict[Identity, Decision]:
    return {identity_of(one.transaction): row for one, row in zip(batch.received, batch.decisions, strict=True)}


def _policy(bench: Bench, batch: Materials) -> Work:
    judge, scores, transactions = bench.bundle.policy.judge, [one.score for one in batch.scored], batch.transactions
    return lambda: [judge(*pair) for pair in zip(scores, transactions, strict=True)]


def _compose(scorer: Scorer, received: Sequence[Received], scored: Sequence[Scored]) -> None:
    alerts_of(scorer, compose(scorer, received, scored), scored)


def _column(size: int) -> str:
    return f"batch {size}"


def _key(name: str, size: int) -> str:
    return f"{name}/{size}"


def _rows(name: str, stage: Stage, found: Mapping[str, Sequence[Spent]]) -> list[Row]:
    spent = {size: found[_key(name, size)] for size in SIZES}
    if not stage.asks_database:
        return [_row(name, spent, "own_us")]
    return [
        _row(f"{name}: CPU here", spent, "own_us"),
        _row(f"{name}: CPU of PostgreSQL", spent, "server_us"),
        _row(f"{name}: on the clock", spent, "wall_us"),
    ]


def _row(label: str, spent: Mapping[int, Sequence[Spent]], what: str) -> Row:
    return Row(label, {_column(size): Sample(tuple(getattr(each, what) for each in spent[size])) for size in SIZES})


def _result(terms: Terms, plan: Plan, bench: Bench, rows: Sequence[Row]) -> Result:
    return Result(
        part="stages",
        title="Microseconds of CPU per record of each stage alone, by records in a batch",
        columns=tuple(Column(_column(size), "µs") for size in SIZES),
        rows=tuple(rows),
        settings={
            "past": plan.past,
            "rounds": plan.rounds,
            "model": bench.scorer.model_version,
            "features": bench.scorer.feature_set,
            "seed": terms.seed,
        },
        notes=(
            "One process, collector off. Warm: the memory holds the past; cold: it is empty before each batch and asks PostgreSQL,",
            "the look-up of identities included. PostgreSQL is a local one that syncs to disk; its CPU is that of all its processes.",
        ),
        panel=Panel("CPU per record by stage, batch 500", "µs", tuple(_bars(rows))),
    )


_SHORT_NAMES = {
    "protocol line": "protocol line",
    "decode": "decode",
    "features, velocity, warm": "features",
    "score (model, policy, reasons)": "score",
    "compose decisions and alerts": "compose",
    "ledger commit: CPU here": "ledger, client",
    "ledger commit: CPU of PostgreSQL": "ledger, server",
    "Parquet file (Arrow included)": "Parquet",
}
"""The stages that every record passes, for the summary chart; those that are parts of others are left out."""


def _bars(rows: Sequence[Row]) -> Iterator[tuple[str, Sample]]:
    for row in rows:
        cell = row.cells[_SHOWN]
        if row.label in _SHORT_NAMES and isinstance(cell, Sample):
            yield _SHORT_NAMES[row.label], cell
