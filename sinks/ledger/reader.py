"""What operators and the audit read of the ledger, on a small read-only connection of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from schemas.decision import Decision, Identity
from schemas.position import StreamEpoch, StreamPosition
from sinks.ledger.connection import Connection, Dsn, Session
from sinks.ledger.migrations import check_schema
from sinks.ledger.queries import query
from sinks.ledger.rows import (
    OutboxRow,
    StoredRefusal,
    position_to_row,
    row_to_decision,
    row_to_outbox_row,
    row_to_stored_refusal,
)

_PAGE_ROWS = 2_000


class LedgerCounts(NamedTuple):
    """How many rows there are, over all streams."""

    decisions: int
    refusals: int
    alerts: int
    alerts_sent: int


class Percentiles(NamedTuple):
    """Median and 99th percentile, in milliseconds."""

    p50_ms: float
    p99_ms: float


class LedgerHops(NamedTuple):
    """How long an event's hops took, as its row and its alert tell; None where nothing took the hop."""

    put_to_received: Percentiles | None
    received_to_scored: Percentiles | None
    committed_to_told: Percentiles | None


class LedgerReader:
    """Reads the ledger; a replica will do. Every method raises TransientSinkError, PermanentSinkError or SchemaVersionError.

    The iterators hold the connection until they end or are closed: one at a time. Each shows one moment of the database.
    """

    def __init__(self, dsn: Dsn, *, application_name: str = "fraudstream-reader") -> None:
        self._session = Session(dsn, application_name, _set_up, target="any")

    def find(self, transaction_id: str) -> list[Decision]:
        """Return every decision of this transaction id, by event time; empty if there is none."""
        return [
            row_to_decision(row) for row in self._rows("read_decisions_by_transaction", transaction_id=transaction_id)
        ]

    def find_all(self, identities: Iterable[Identity]) -> Iterator[Decision]:
        """Give the decisions of these events, whichever stream they came from, a page at a time; unknown ones are left out."""
        asked = iter(identities)
        while page := list(islice(asked, _PAGE_ROWS)):
            ids, event_times = [one.transaction_id for one in page], [one.event_time for one in page]
            rows = self._rows("read_decisions_by_identity", transaction_ids=ids, event_times=event_times)
            yield from map(row_to_decision, rows)

    def find_refusal(self, position: StreamPosition) -> StoredRefusal | None:
        """Return the verdict on the record at `position`, None if it was not refused."""
        names = ("stream_epoch", "shard_id", "sequence_number", "sub_sequence")
        rows = self._rows("read_refusal", **dict(zip(names, position_to_row(position), strict=True)))
        return row_to_stored_refusal(rows[0]) if rows else None

    def find_alerts(self, transaction_id: str) -> list[OutboxRow]:
        """Return the alerts of this transaction id, oldest first."""
        return [
            row_to_outbox_row(row) for row in self._rows("read_alerts_by_transaction", transaction_id=transaction_id)
        ]

    def counts(self) -> LedgerCounts:
        """Count every row: exact, and therefore slow on a large ledger."""
        return LedgerCounts(*self._rows("counts")[0])

    def risks(self) -> dict[str, int]:
        """Count the decisions of each risk level that occurs, over all streams."""
        return dict(self._rows("risks"))

    def riskiest(self) -> Decision | None:
        """Return a decision with the highest score, None where there is no decision."""
        rows = self._rows("riskiest")
        return row_to_decision(rows[0]) if rows else None

    def latencies_ms(self, since: datetime) -> tuple[float, float] | None:
        """Return median and 99th percentile of arrival to score over what was scored since then; None if nothing was."""
        [(p50, p99)] = self._rows("latencies", since=since)
        return None if p50 is None else (p50, p99)

    def hops(self, since: datetime) -> LedgerHops:
        """Return the hops of what was scored, or told, since then. A commit's time stands in no row: see the consumer's metrics."""
        [hops] = self._rows("hops", since=since)
        return LedgerHops(*(None if hop is None else Percentiles(*hop) for hop in hops))

    def shards_decided_since(self, arrival: datetime) -> set[str]:
        """Return the shards that have a committed decision of an event that arrived later."""
        return {shard_id for (shard_id,) in self._rows("shards_decided_since", since=arrival)}

    def has_sent_alert_since(self, arrival: datetime) -> bool:
        """Whether an alert about an event that arrived later is told."""
        [(is_sent,)] = self._rows("alert_sent_since", since=arrival)
        return bool(is_sent)

    def all_decisions(self, epoch: StreamEpoch) -> Iterator[Decision]:
        """Give every decision of this stream, in no order, a page at a time."""
        return map(row_to_decision, self._pages("read_decisions", {"stream_epoch": epoch}))

    def all_refusals(self, epoch: StreamEpoch) -> Iterator[StoredRefusal]:
        """Give every verdict on records of this stream, in no order, a page at a time."""
        return map(row_to_stored_refusal, self._pages("read_refusals", {"stream_epoch": epoch}))

    def refusals_by_arrival(self) -> Iterator[StoredRefusal]:
        """Give every verdict of all streams, oldest arrival first, a page at a time."""
        return map(row_to_stored_refusal, self._pages("read_refusals_by_arrival", {}))

    def all_alerts(self) -> Iterator[OutboxRow]:
        """Give every alert of the outbox, told or not, of all streams, in no order, a page at a time."""
        return map(row_to_outbox_row, self._pages("read_alerts", {}))

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Let all reads inside see the ledger as it is at the first of them, whatever is committed meanwhile."""
        with self._session.use() as connection, connection.transaction():
            connection.execute(query("one_moment"))
            yield

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._session.close()

    def _rows(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self._session.use() as connection:
            return connection.execute(query(name), parameters, binary=True).fetchall()

    def _pages(self, name: str, parameters: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
        with (
            self._session.use() as connection,
            connection.transaction(),
            connection.cursor(name="pages", binary=True) as cursor,
        ):
            cursor.itersize = _PAGE_ROWS
            yield from cursor.execute(query(name), parameters)


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("reader_session"))
