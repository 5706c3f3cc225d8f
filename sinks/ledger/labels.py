"""Labels in PostgreSQL. Writers take turns, so that the rules are applied to all that was written before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from schemas.label import Label
from sinks.feedback import LabelOutcome, StoredLabel
from sinks.ledger.connection import Connection, Dsn, Lock, Session
from sinks.ledger.feedback_rules import Decided, judge
from sinks.ledger.migrations import check_schema
from sinks.ledger.queries import query

_LOCK = Lock("fraudstream.labels")


class PostgresLabels:
    """A `sinks.feedback.Labels` on a connection of its own, for one thread. A batch of 1,000 is a good size."""

    def __init__(self, dsn: Dsn, *, application_name: str = "fraudstream-labels") -> None:
        self._session = Session(dsn, application_name, _set_up)

    def put(self, labels: Sequence[Label], *, is_dry_run: bool = False) -> Sequence[LabelOutcome]:
        """See `sinks.feedback.Labels.put`. `known_at` is by the database's clock."""
        if not labels:
            return ()
        transaction_ids = {label.transaction_id for label in labels}
        with self._session.use() as connection, connection.transaction(), connection.cursor() as cursor:
            # The clock is read after the lock was waited for: later turns have later times, and the roll-up takes the lock as well,
            # so no label that it has not seen can have become known before those that it counted.
            now = lock_labels(connection)
            verdicts = [
                *judge(labels, decided(connection, transaction_ids), labels_of(connection, transaction_ids), now)
            ]
            if not is_dry_run:
                rows = [verdict.stored._asdict() for verdict in verdicts if verdict.stored is not None]
                cursor.executemany(query("insert_label"), rows)
            return [verdict.outcome for verdict in verdicts]

    def find(self, transaction_id: str) -> Sequence[StoredLabel]:
        """See `sinks.feedback.Labels.find`."""
        with self._session.use() as connection:
            return labels_of(connection, [transaction_id])

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._session.close()


def lock_labels(connection: Connection) -> datetime:
    """Wait until no other transaction writes labels, keep others out until this one ends, and return the time."""
    connection.execute(query("lock"), {"name": _LOCK})
    [(now,)] = connection.execute(query("clock"))
    assert isinstance(now, datetime)  # noqa: S101 - rows are untyped
    return now


def decided(connection: Connection, transaction_ids: Collection[str]) -> Decided:
    """Return the decided events of these ids."""
    events: dict[str, dict[datetime, str | None]] = {}
    rows = connection.execute(query("decided_events"), {"transaction_ids": list(transaction_ids)})
    for transaction_id, event_time, merchant_id in rows:
        events.setdefault(transaction_id, {})[event_time] = merchant_id
    return events


def labels_of(connection: Connection, transaction_ids: Collection[str]) -> list[StoredLabel]:
    """Return what was reported of these ids, in the order in which it became known."""
    rows = connection.execute(query("labels_of"), {"transaction_ids": list(transaction_ids)})
    return [StoredLabel(*row) for row in rows]


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("session"))
