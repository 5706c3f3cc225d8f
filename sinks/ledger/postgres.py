"""The ledger in PostgreSQL: one connection, one look-up and one transaction a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, Wanted
from sinks.ledger.commit import commit_batch
from sinks.ledger.connection import Connection, Dsn, Session
from sinks.ledger.look_up import look_up
from sinks.ledger.migrations import check_schema
from sinks.ledger.queries import query
from sinks.port import Candidate, Delivery, Known, Refusal

DEDUP_HORIZON = timedelta(hours=24)


class PostgresLedger:
    """A `sinks.port.Ledger` for one worker process; not for several threads, and to be made after the fork.

    Connects at the first call and again at the first call after a failure; each time it checks the schema's version and raises
    SchemaVersionError if `fraudstream migrate` has not run.
    """

    def __init__(
        self, dsn: Dsn, *, dedup_horizon: timedelta = DEDUP_HORIZON, application_name: str = "fraudstream-worker"
    ) -> None:
        self._horizon = dedup_horizon
        self._session = Session(dsn, application_name, _set_up)

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `sinks.port.Ledger.look_up`."""
        if not readable and not unreadable and not any(wanted):
            return Known({}, ())
        with self._session.use() as connection:
            return look_up(connection, readable, unreadable, wanted, self._horizon)

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        """See `sinks.port.Ledger.commit`."""
        if not decisions and not refusals:
            return {}
        with self._session.use() as connection:
            return commit_batch(connection, decisions, alerts, refusals)

    def check(self) -> None:
        """Connect and compare the schema's version. Raises TransientSinkError or SchemaVersionError."""
        with self._session.use() as connection:
            check_schema(connection)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._session.close()


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("session"))
    connection.execute(query("worker_session"))
    connection.prepare_threshold = 0
