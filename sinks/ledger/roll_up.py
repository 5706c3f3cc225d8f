"""The roll-up of merchants' hours in PostgreSQL: a transaction a step, one container at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sinks.feedback import RollUpLag
from sinks.ledger.connection import Connection, Dsn, Lock, Session
from sinks.ledger.feedback_rules import Settlement, begin_of, behind_s, due_hour, first_kept_hour, settle
from sinks.ledger.labels import decided, labels_of, lock_labels
from sinks.ledger.migrations import check_schema
from sinks.ledger.queries import query

_LOCK = Lock("fraudstream.roll_up")
LABELS_A_STEP = 1_000


class PostgresRollUp:
    """A `sinks.feedback.MerchantRollUp` on a connection of its own; as for the ledger: one thread, made after the fork."""

    def __init__(self, dsn: Dsn, *, application_name: str = "fraudstream-roll-up") -> None:
        self._session = Session(dsn, application_name, _set_up)

    def take_step(self, now: datetime) -> bool:
        """See `sinks.feedback.MerchantRollUp.take_step`: up to a thousand labels, or else one hour."""
        with self._session.use() as connection:
            return _take_turn(connection, now, _settle_labels) or _take_turn(connection, now, _count_hour)

    def lag(self, now: datetime) -> RollUpLag:
        """See `sinks.feedback.MerchantRollUp.lag`."""
        with self._session.use() as connection:
            [(hours_until, oldest_due, waiting)] = connection.execute(query("roll_up_lag"), {"now": now})
            return RollUpLag(behind_s(hours_until, oldest_due, now), waiting)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._session.close()


def _take_turn(connection: Connection, now: datetime, step: Callable[[Connection, datetime], bool]) -> bool:
    with connection.transaction():
        [(is_ours,)] = connection.execute(query("try_lock"), {"name": _LOCK})
        return bool(is_ours) and step(connection, now)


def _settle_labels(connection: Connection, now: datetime) -> bool:
    lock_labels(connection)
    due = connection.execute(query("due_labels"), {"now": now, "limit": LABELS_A_STEP})
    transaction_ids = {transaction_id for (transaction_id,) in due}
    if transaction_ids:
        labels = labels_of(connection, transaction_ids)
        _write(connection, settle(labels, decided(connection, transaction_ids), now))
    return bool(transaction_ids)


def _write(connection: Connection, settlement: Settlement) -> None:
    labels = [after._asdict() | {"event_time_before": before.event_time} for before, after in settlement.changes]
    frauds = [where._asdict() | {"frauds": number} for where, number in settlement.frauds.items()]
    with connection.cursor() as cursor:
        cursor.executemany(query("settle_label"), labels)
        cursor.executemany(query("add_frauds"), frauds)


def _count_hour(connection: Connection, now: datetime) -> bool:
    [(hours_until,)] = connection.execute(query("hours_until"))
    hour = due_hour(hours_until, now)
    if hour is None:
        return False
    # Rows that move into a partition being made are missed by a query that was planned before it: wait for that as writers do.
    connection.execute(query("lock_for_writing"))
    connection.execute(query("count_hour"), {"hour": hour, "begin": begin_of(hour), "end": begin_of(hour + 1)})
    connection.execute(query("forget_hours"), {"hour": first_kept_hour(now)})
    connection.execute(query("set_hours_until"), {"hour": hour + 1})
    return True


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("session"))
    connection.execute(query("roll_up_session"))
