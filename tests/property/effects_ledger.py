"""The real ledger and outbox on real connections, suspended before, inside and after their transactions, and cut there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import sleep
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg import OperationalError
from psycopg.pq import TransactionStatus

from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, Wanted
from sinks.errors import OvertakenError, TransientSinkError
from sinks.ledger.connection import Connection, Session
from sinks.ledger.outbox import OutboxTerms, PostgresOutbox
from sinks.ledger.postgres import PostgresLedger
from sinks.port import Candidate, Delivery, Known, OutboxAlert, Refusal
from tests.property.effects_process import Process

_INSIDE = "inside commit"
_TERMS = OutboxTerms(claim_for=timedelta(0), max_age=None, first_wait=timedelta(0), longest_wait=timedelta(0))
"""No waiting: whatever a relay left behind can be claimed at once."""

_TRUNCATE = b"truncate fraudstream.decision, fraudstream.refused, fraudstream.alert_outbox"
_DELETE = (
    b"delete from fraudstream.decision",
    b"delete from fraudstream.refused",
    b"delete from fraudstream.alert_outbox",
)


class Database:
    """One migrated database. Connections outlive the processes that used them, because a new one costs as much as a schedule."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self._emptied = dsn, 0
        self.committed: dict[Identity, int] = {}
        """Which transaction wrote a row first, by their numbers."""
        self._idle: defaultdict[str, list[Connection]] = defaultdict(list)
        self._owner = psycopg.connect(dsn, autocommit=True)
        for (table,) in self._owner.execute(
            "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'fraudstream'::regnamespace"
        ).fetchall():  # a schedule must not meet an autovacuum's lock
            self._owner.execute(f"alter table {table} set (autovacuum_enabled = off)")

    def empty(self) -> None:
        """Forget all rows. TRUNCATE takes fifty times as long, but leaves no dead ones behind."""
        self.committed.clear()
        is_due, self._emptied = self._emptied % 100 == 0, self._emptied + 1
        for statement in (_TRUNCATE,) if is_due else _DELETE:
            self._owner.execute(statement)

    def note(self, committed: Sequence[Decision]) -> None:
        """Take down what a transaction that has just been committed gave the ledger."""
        number = len(self.committed)
        for decision in committed:
            self.committed.setdefault(decision.identity, number)

    def take(self, role: str) -> Connection | None:
        """Return a connection that a process of the role left in good order."""
        return self._idle[role].pop() if self._idle[role] else None

    def give_back(self, role: str, connection: Connection) -> None:
        """Take a connection from a process that is done with it, or gone."""
        if connection.info.transaction_status == TransactionStatus.IDLE:
            self._idle[role].append(connection)
        else:
            connection.close()

    def end_session(self, backend_pid: int) -> None:
        """End a server process, as `idle_in_transaction_session_timeout` does, and wait until its locks are gone."""
        self._owner.execute("select pg_terminate_backend(%s)", [backend_pid])
        while self._owner.execute("select 1 from pg_stat_activity where pid = %s", [backend_pid]).fetchone():
            sleep(0.001)

    def pending(self) -> bool:
        """Whether an alert waits."""
        return (
            self._owner.execute("select 1 from fraudstream.alert_outbox where state = 'pending'").fetchone() is not None
        )

    def close(self) -> None:
        """Close every connection."""
        for connection in [self._owner, *(each for idle in self._idle.values() for each in idle)]:
            connection.close()


class _Session(Session):
    """Borrows its connections; the line breaks where the process is told so."""

    def __init__(self, session: Session, database: Database, role: str, wire: _Wire) -> None:
        super().__init__(database.dsn, session._application_name, session._set_up)
        self._database, self._role, self._wire = database, role, wire

    @contextmanager
    def use(self) -> Iterator[Connection]:
        with super().use() as connection:
            self._wire.before()
            yield cast("Connection", _Watched(connection, self._wire))

    def close(self) -> None:
        if self._connection is not None:
            self._database.give_back(self._role, self._connection)
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.take(self._role)
        if self._connection is None:
            super()._open().execute(
                "set lock_timeout = '5ms'"
            )  # as long as 10 s to those who wait for a suspended process
        assert self._connection is not None
        return self._connection


class _Wire:
    """Where the line of one process breaks. `call` is the port's method that is being called."""

    def __init__(self, process: Process, fired: Callable[[str], None]) -> None:
        self._process, self._fired = process, fired
        self.call, self._fault = "", ""
        self.backend_pid: int | None = None
        self.on_commit: Callable[[], None] = lambda: None

    def begin(self, call: str) -> None:
        self.call, self._fault = call, self._process.fault(call) or ""

    def before(self) -> None:
        if self._fault == "cut":
            raise self._broken()

    def inside(self, connection: Connection) -> None:
        """The last moment before COMMIT."""
        if self.call != "commit":
            return
        self.backend_pid = connection.info.backend_pid
        try:
            self._process.pause(_INSIDE)
        finally:
            self.backend_pid = None
        if self._fault == "cut before COMMIT":
            raise self._broken()

    def committed(self) -> None:
        """The server has committed, and says so."""
        if self.call == "commit":
            self.on_commit()
        if self._fault == "answer to COMMIT lost":
            raise self._broken()

    def _broken(self) -> OperationalError:
        self._fired(f"{self.call}: {self._fault}")
        self._process.tell(f"{self.call}: {self._fault}")
        return OperationalError("server closed the connection unexpectedly")


class _Watched:
    """A connection whose transactions are suspended before COMMIT. Everything else is the real one's."""

    def __init__(self, connection: Connection, wire: _Wire) -> None:
        self._connection, self._wire = connection, wire
        self._commits = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield
            self._wire.inside(self._connection)
        self._wire.committed()

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        with self._connection.pipeline():
            yield
        if self._commits:
            self._wire.committed()

    def execute(self, statement: bytes, *arguments: Any, **options: Any) -> Any:
        if statement == b"COMMIT":
            with self._connection.pipeline():  # waits for the answers to what was sent before
                self._commits = True
            self._wire.inside(self._connection)
        return self._connection.execute(statement, *arguments, **options)


class WatchedLedger(PostgresLedger):
    """The real ledger of one process."""

    def __init__(self, database: Database, process: Process, fired: Callable[[str], None], horizon: timedelta) -> None:
        super().__init__(database.dsn, dedup_horizon=horizon)
        self.wire = _Wire(process, fired)
        self._process, self._fired, self._database = process, fired, database
        self._session = _Session(self._session, database, "ledger", self.wire)
        process.at_end(self.close)

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        self.wire.begin("look_up")
        return self._process.visit("look_up", lambda: super(WatchedLedger, self).look_up(readable, unreadable, wanted))

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        self.wire.begin("commit")
        self.wire.on_commit = lambda: self._database.note(decisions)
        return self._process.visit("commit", lambda: self._commit(decisions, alerts, refusals))

    def _commit(self, *batch: Any) -> Mapping[Identity, Decision]:
        try:
            return super().commit(*batch)
        except TransientSinkError as error:
            if error.facts.get("sqlstate") == "55P03":
                self._fired("commit: waits for a suspended process")
                self._process.tell("commit: lock time-out")
            raise
        except OvertakenError:
            self._fired("commit: overtaken")
            self._process.tell("commit: overtaken")
            raise


class WatchedOutbox(PostgresOutbox):
    """The real outbox of one relay."""

    def __init__(self, database: Database, process: Process, fired: Callable[[str], None]) -> None:
        super().__init__(database.dsn, _TERMS)
        self._process, self._wire = process, _Wire(process, fired)
        self._session = _Session(self._session, database, "outbox", self._wire)
        process.at_end(self.close)

    def claim(self, limit: int) -> Sequence[OutboxAlert]:
        self._wire.begin("claim")
        return self._process.visit("claim", lambda: super(WatchedOutbox, self).claim(limit))

    def mark_sent(self, message_ids: Mapping[UUID, str]) -> None:
        self._wire.begin("mark_sent")
        self._process.visit("mark_sent", lambda: super(WatchedOutbox, self).mark_sent(message_ids))
