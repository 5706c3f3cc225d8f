"""A hard stream through the real pipeline on a ledger in memory or in PostgreSQL, while labels come and merchants' hours are rolled up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

import numpy as np
import psycopg

from consumer.pipeline import ShardPipeline
from consumer.policies.quarantine import QuarantinePolicy
from consumer.scoring.features import EVENT, VELOCITY, MemoryTerms
from consumer.scoring.model import Model
from consumer.scoring.scorer import Scorer
from consumer.training.export import export_linear
from consumer.training.logistic import LinearModel
from schemas.decision import Decision
from schemas.label import Label
from schemas.position import StreamRecord
from sinks.feedback import MerchantRollUp, StoredLabel
from sinks.ledger.feedback_rules import KNOWN_AFTER
from sinks.ledger.labels import PostgresLabels
from sinks.ledger.memory_feedback import MemoryLabels, MemoryRollUp
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.reader import LedgerReader
from sinks.ledger.roll_up import PostgresRollUp
from sinks.port import Ledger
from tests.contract.databases import migrated_database
from tests.oracle.ledger_rows import KnownFraud, Vectors, milliseconds
from tests.pipeline_builders import BUNDLE, EPOCH, NOW, World
from tests.property.velocity_stream import Stream

_CALM = QuarantinePolicy(max_consecutive=10_000, window=10_000)
_LONGEST_BATCH = timedelta(hours=8)
"""Of arrivals. The roll-up goes by the clock, and hours are counted seven days later: nobody delivers a month at once."""
_ALL_LABELS = (
    "select transaction_id, event_time, source, is_fraud, reported_at, known_at, due_at from fraudstream.label"
)
_SET_TIMES = "update fraudstream.label set known_at = %s, due_at = %s where transaction_id = %s and source = %s and event_time = %s"


class Subject(NamedTuple):
    """A ledger, and what is learnt afterwards. `put_labels`: the reports, and when the ledger learns of them."""

    ledger: Ledger
    put_labels: Callable[[Sequence[Label], datetime], object]
    roll_up: MerchantRollUp
    read: Callable[[], tuple[list[Decision], list[StoredLabel]]]


@contextmanager
def in_memory(world: World) -> Iterator[Subject]:
    """Everything in the world's own store."""
    store, clock = world.store, [NOW]
    labels = MemoryLabels(store, lambda: clock[0])

    def put(reports: Sequence[Label], moment: datetime) -> None:
        clock[0] = moment
        labels.put(reports)

    yield Subject(world.ledger, put, MemoryRollUp(store), lambda: ([*store.decisions.values()], store.labels))


@contextmanager
def in_postgres(world: World) -> Iterator[Subject]:
    """Everything in a database of its own."""
    dsn = migrated_database()
    with (
        closing(PostgresLedger(dsn, dedup_horizon=world.horizon)) as ledger,
        closing(PostgresLabels(dsn)) as labels,
        closing(PostgresRollUp(dsn)) as roll_up,
        closing(LedgerReader(dsn)) as reader,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):

        def put(reports: Sequence[Label], moment: datetime) -> None:
            """The database's clock says when a label is known; here it is the stream's."""
            outcomes = labels.put(reports)
            stored = [each for each, outcome in zip(reports, outcomes, strict=True) if outcome in {"stored", "early"}]
            times = [
                (moment + KNOWN_AFTER, moment, each.transaction_id, each.source, each.timestamp) for each in stored
            ]
            connection.cursor().executemany(_SET_TIMES, times)

        def read() -> tuple[list[Decision], list[StoredLabel]]:
            rows = connection.execute(_ALL_LABELS)
            return [*reader.all_decisions(EPOCH)], [StoredLabel(*row) for row in rows]

        yield Subject(ledger, put, roll_up, read)


@dataclass(frozen=True)
class Trouble:
    """How often (share of batches) a worker is replaced and gets records again, and an answer to COMMIT is lost."""

    restarts: float = 0.0
    lost_answers: float = 0.0


@cache
def velocity_scorer() -> Scorer:
    """Return a scorer of the feature set whose scores are all the same: what counts is the vector."""
    width = len(VELOCITY.names)
    flat = LinearModel(means=np.zeros(width, np.float32), weights=np.zeros(width, np.float32), bias=-3.0)
    manifest = BUNDLE.manifest.model_copy(update={"model_version": "flat", "baseline": (0.0,) * width})
    model = Model(export_linear(flat, "flat"), width)
    return Scorer(replace(BUNDLE, manifest=manifest, feature_set=VELOCITY, model=model))


class Run:
    """Delivers a stream in batches of random sizes; labels and the roll-up go with the arrivals."""

    def __init__(self, world: World, subject: Subject, chance: Random, terms: MemoryTerms, trouble: Trouble) -> None:
        self._world, self._subject, self._chance, self._terms, self._trouble = world, subject, chance, terms, trouble
        world.ledger = subject.ledger  # type: ignore[assignment]
        self._worker = self._new_worker()
        self.restarts, self.lost_answers = 0, 0

    def consume(self, stream: Stream) -> None:
        """Deliver everything."""
        reports, next_report, at = stream.reports, 0, 0
        clock = stream.records[0].arrival_time
        while at < len(stream.records):
            batch = self._cut(stream.records[at : at + self._chance.randrange(1, 1_001)])
            first, last = batch[0].arrival_time, batch[-1].arrival_time
            known = next_report
            while known < len(reports) and reports[known].reported_at <= first - KNOWN_AFTER:
                known += 1
            self._subject.put_labels(reports[next_report:known], first - KNOWN_AFTER)
            next_report = known
            clock = max(clock, last)  # what is delivered again is not delivered in the past
            while self._subject.roll_up.take_step(clock):
                pass
            self._deliver(batch)
            at = self._perhaps_back(at + len(batch))

    def _cut(self, records: Sequence[StreamRecord]) -> list[StreamRecord]:
        last = records[0].arrival_time + _LONGEST_BATCH
        return [record for record in records if record.arrival_time <= last]

    def _deliver(self, batch: Sequence[StreamRecord]) -> None:
        if self._chance.random() < self._trouble.lost_answers:
            self._world.ledger.lose_next_answer()
            self.lost_answers += 1
        self._world.process(self._worker, batch)

    def _perhaps_back(self, at: int) -> int:
        if self._chance.random() >= self._trouble.restarts:
            return at
        self._worker = self._new_worker()
        self.restarts += 1
        return max(0, at - self._chance.randrange(300))

    def _new_worker(self) -> ShardPipeline:
        return self._world.worker(scorer=velocity_scorer(), quarantine=_CALM, memory_terms=self._terms)


def known_frauds(labels: Sequence[StoredLabel]) -> list[KnownFraud]:
    """Return what the ledger knows of frauds, and since when."""
    return [
        KnownFraud(each.transaction_id, milliseconds(each.event_time), milliseconds(each.known_at))
        for each in labels
        if each.is_fraud and each.event_time is not None
    ]


def stored_vectors(decisions: Sequence[Decision]) -> Vectors:
    """Return the velocity columns of the vectors that stand in the ledger, [rows, len(NAMES)]."""
    width = len(VELOCITY.names)
    vectors = np.frombuffer(b"".join(row.features for row in decisions), "<f4").reshape(-1, width)
    return np.ascontiguousarray(vectors[:, len(EVENT.names) :])
