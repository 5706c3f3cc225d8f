"""The outbox in PostgreSQL: alerts born in ledger transactions wait here. All times are the database's, so relays agree on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sinks.ledger.connection import Connection, Dsn, Lock, Session
from sinks.ledger.migrations import check_schema
from sinks.ledger.queries import query
from sinks.port import OutboxAlert

_CLAIM_LOCK = Lock("fraudstream.claim")


class OutboxTerms(NamedTuple):
    """How long things take in an outbox.

    `claim_for`: a claim expires, so that a crashed relay loses nothing; longer than publishing one claim ever takes, or it is sent
    twice. `max_age`: an alert whose record arrived longer ago is kept but not sent; None: no age is too old. `first_wait` doubles
    with every attempt up to `longest_wait`.
    """

    claim_for: timedelta = timedelta(minutes=2)
    max_age: timedelta | None = timedelta(hours=24)
    first_wait: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=5)


DEFAULT_TERMS = OutboxTerms()


class PostgresOutbox:
    """A `sinks.port.Outbox` on a connection of its own; as for the ledger: one thread, made after the fork.

    Every method raises TransientSinkError or PermanentSinkError.
    """

    def __init__(
        self, dsn: Dsn, terms: OutboxTerms = DEFAULT_TERMS, *, application_name: str = "fraudstream-relay"
    ) -> None:
        self._terms = terms
        self._session = Session(dsn, application_name, _set_up)

    def claim(self, limit: int) -> Sequence[OutboxAlert]:
        """See `sinks.port.Outbox.claim`. `attempts` counts this claim; an alert counts as attempted once it is claimed."""
        parameters = {"limit": limit, "claim_for": self._terms.claim_for}
        with self._session.use() as connection, connection.transaction():
            # What is told and what is not is decided by one relay at a time: two could not see each other's decisions.
            connection.execute(query("lock"), {"name": _CLAIM_LOCK})
            self._suppress(connection)
            return [OutboxAlert(*row) for row in connection.execute(query("outbox_claim"), parameters)]

    def mark_sent(self, message_ids: Mapping[UUID, str]) -> None:
        """See `sinks.port.Outbox.mark_sent`. What was sent stays sent, with the first message id."""
        self._mark("outbox_mark_sent", message_ids)

    def mark_failed(self, errors: Mapping[UUID, str]) -> None:
        """See `sinks.port.Outbox.mark_failed`. The wait doubles with each attempt, with full jitter."""
        terms = {"first_wait": self._terms.first_wait, "longest_wait": self._terms.longest_wait}
        self._mark("outbox_mark_failed", errors, terms)

    def park(self, errors: Mapping[UUID, str]) -> None:
        """See `sinks.port.Outbox.park`."""
        self._mark("outbox_park", errors)

    def pending(self) -> int:
        """See `sinks.port.Outbox.pending`."""
        with self._session.use() as connection:
            row = connection.execute(query("outbox_pending")).fetchone()
            return int(row[0]) if row else 0

    def oldest_pending_s(self) -> float:
        """See `sinks.port.Outbox.oldest_pending_s`."""
        with self._session.use() as connection:
            row = connection.execute(query("outbox_oldest_pending")).fetchone()
            return float(row[0]) if row else 0.0

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._session.close()

    def _suppress(self, connection: Connection) -> None:
        """Decide what is not told; the place for windows, caps and the storm brake."""
        if self._terms.max_age is not None:
            connection.execute(query("outbox_suppress_too_old"), {"max_age": self._terms.max_age})

    def _mark(self, name: str, texts: Mapping[UUID, str], terms: Mapping[str, timedelta] | None = None) -> None:
        if not texts:
            return
        arrays = {"alert_ids": list(texts), "texts": [text.replace("\0", "") for text in texts.values()]}
        with self._session.use() as connection:
            connection.execute(query(name), {**arrays, **(terms or {})})


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("session"))
