"""The stages that ask PostgreSQL: cold users' past and the commit, on an embedded server that syncs to disk as a real one does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

import psycopg

from consumer.batch import candidates
from consumer.bench.materials import Bench, Materials, alerts_of
from consumer.bench.spending import Work
from consumer.scoring.features import VELOCITY, Matrix, Memory
from infra.local.postgres import EmbeddedPostgres
from schemas.decision import Decision
from schemas.transaction import Received
from sinks.ledger.migrations import migrate
from sinks.ledger.postgres import PostgresLedger

_STEP = 2_000


class Database:
    """A ledger that holds the past of a bench; its commits are of other users, so that nobody's history grows."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._ledger = PostgresLedger(server.url, application_name="fraudstream-bench")
        self._numbers = count()

    @property
    def pid(self) -> int:
        """The server's main process."""
        return self._server.pid or 0

    def fill(self, bench: Bench) -> None:
        """Commit the past, and tell the planner about it."""
        migrate(self._server.url, datetime.now(UTC))
        past = bench.past.decisions
        for first in range(0, len(past), _STEP):
            self._ledger.commit(past[first : first + _STEP], (), ())
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute("vacuum analyze")

    def cold(self, bench: Bench, batches: Sequence[Materials]) -> list[Work]:
        """Prepare velocity features for a memory that is empty before each batch, its look-up included."""
        del bench
        return [partial(self._recall_cold, batch.received) for batch in batches]

    def commit(self, bench: Bench, batches: Sequence[Materials]) -> list[Work]:
        """Prepare commits of decisions that are new each time, with the alerts that they raise."""
        works: list[Work] = []
        for batch in batches:
            decisions = [self._renamed(decision) for decision in batch.decisions]
            alerts = alerts_of(bench.scorer, decisions, batch.scored)
            works.append(partial(self._ledger.commit, decisions, alerts, ()))
        return works

    def close(self) -> None:
        """Close the connection."""
        self._ledger.close()

    def _recall_cold(self, batch: Sequence[Received]) -> Matrix:
        memory = Memory()
        wanted = memory.wanted(batch)
        known = self._ledger.look_up(*candidates(batch), wanted)
        memory.load(wanted, known.histories, known.merchants)
        return VELOCITY.compute([one.transaction for one in batch], memory)

    def _renamed(self, decision: Decision) -> Decision:
        number = next(self._numbers)
        return decision._replace(transaction_id=f"new-{number:012}", user_id=f"new-{decision.user_id}")


@contextmanager
def a_database(folder: Path, bench: Bench) -> Iterator[Database]:
    """Start PostgreSQL and fill it."""
    with EmbeddedPostgres(folder / "postgres.log", fsync=True) as server:
        database = Database(server)
        try:
            database.fill(bench)
            yield database
        finally:
            database.close()
