"""Decides refused records after all, in PostgreSQL. Apart from the commit of a batch, which never gives a record both verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from schemas.alert import Alert
from schemas.decision import Decision
from schemas.history import NOTHING_WANTED, Wanted
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.ledger.connection import Connection, Dsn, Session
from sinks.ledger.look_up import ask_decisions, ask_decisions_at, look_up
from sinks.ledger.migrations import check_schema
from sinks.ledger.queries import query
from sinks.ledger.rows import DECISION_COLUMNS, alert_to_row, decision_to_row, position_to_row, row_to_decision
from sinks.port import Candidate, Delivery, Known

_POSITION = ("stream_epoch", "shard_id", "sequence_number", "sub_sequence")


class PostgresReplayLedger:
    """A `sinks.port.ReplayLedger` on a connection of its own, for one thread.

    A worker that looks the record up meanwhile finds its refusal, resolved or not, and leaves it alone; the lock on the refusal's row
    keeps only other replays away.
    """

    def __init__(self, dsn: Dsn, *, dedup_horizon: timedelta, application_name: str = "fraudstream-replay") -> None:
        self._horizon = dedup_horizon
        self._session = Session(dsn, application_name, _set_up)

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `sinks.port.Ledger.look_up`."""
        with self._session.use() as connection:
            return look_up(connection, readable, unreadable, wanted, self._horizon)

    def decide(self, delivery: Delivery, decision: Decision, alert: Alert | None) -> Decision | None:
        """See `sinks.port.ReplayLedger.decide`."""
        with self._session.use() as connection, connection.transaction():
            if _is_resolved(connection, delivery):
                return None
            standing = _decision_at(connection, delivery)
            return standing or _insert(connection, delivery, decision, alert)

    def resolve(self, delivery: Delivery, row: Decision) -> bool:
        """See `sinks.port.ReplayLedger.resolve`."""
        with self._session.use() as connection, connection.transaction():
            if _is_resolved(connection, delivery):
                return True
            standing = _decision_at(connection, delivery)
            if standing is not None and standing.identity != row.identity:
                return False
            connection.execute(query("resolve_refusal"), _position(delivery))
            return True

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._session.close()


def _is_resolved(connection: Connection, delivery: Delivery) -> bool:
    """Lock the refusal until the transaction ends, and say whether it is resolved."""
    row = connection.execute(query("lock_refusal"), _position(delivery)).fetchone()
    if row is None:
        raise PermanentSinkError("the ledger has no refusal of this record: is it the ledger of this dead letter?")
    return bool(row[0])


def _decision_at(connection: Connection, delivery: Delivery) -> Decision | None:
    row = ask_decisions_at(connection, [delivery]).fetchone()
    return None if row is None else row_to_decision(row)


def _insert(connection: Connection, delivery: Delivery, decision: Decision, alert: Alert | None) -> Decision:
    values = dict(zip(DECISION_COLUMNS, decision_to_row(decision), strict=True))
    if connection.execute(query("insert_replayed_decision"), values).rowcount:
        connection.execute(query("mark_replayed"), _position(delivery))
        if alert is not None:
            connection.execute(query("insert_replayed_alert"), alert_to_row(alert, decision))
        return decision
    row = ask_decisions(connection, [decision.identity], timedelta()).fetchone()
    if row is None:
        raise TransientSinkError("the row that stood in the way of the insert is gone: was a partition dropped?")
    return row_to_decision(row)


def _position(delivery: Delivery) -> dict[str, Any]:
    return dict(zip(_POSITION, position_to_row(delivery.position), strict=True))


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("session"))
