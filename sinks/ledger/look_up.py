"""What the ledger knows of a batch: verdicts on its positions, rows of its transactions, rows at unreadable positions, its past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from psycopg import Cursor

from schemas.decision import Decision, Identity
from schemas.history import Wanted
from schemas.position import StreamPosition
from sinks.ledger.connection import Connection
from sinks.ledger.histories import ask_histories, rows_to_histories
from sinks.ledger.merchants import ask_windows, rows_to_windows
from sinks.ledger.queries import query
from sinks.ledger.rows import position_to_row, row_to_decision, row_to_refusal
from sinks.port import Candidate, Delivery, Known

_Cursor = Cursor[tuple[Any, ...]]
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_POSITION_ARRAYS = ("stream_epochs", "shard_ids", "sequence_numbers", "sub_sequences")


def look_up(
    connection: Connection,
    readable: Sequence[Candidate],
    unreadable: Sequence[Delivery],
    wanted: Wanted,
    horizon: timedelta,
) -> Known:
    """Ask everything in one round trip (pipeline mode). What is empty is not asked."""
    positions = [*(each.position for each in readable), *(each.position for each in unreadable)]
    identities = [candidate.identity for candidate in readable]
    with connection.pipeline():
        refused = ask_refusals(connection, positions) if positions else ()
        decided = ask_decisions(connection, identities, horizon) if readable else ()
        standing = ask_decisions_at(connection, unreadable) if unreadable else ()
        past = ask_histories(connection, wanted.users) if wanted.users else ()
        hours = ask_windows(connection, wanted.merchants) if wanted.merchants else ()
    refusals = map(row_to_refusal, refused)
    return Known(
        {refusal.position: refusal for refusal in refusals},
        _distinct(chain(decided, standing)),
        rows_to_histories(past, wanted.users),
        rows_to_windows(hours),
    )


def ask_decisions(connection: Connection, identities: Sequence[Identity], horizon: timedelta) -> _Cursor:
    """Ask for the rows of these transactions whose event time is within `horizon` of the one asked for; one row may come twice."""
    event_times = [identity.event_time for identity in identities]
    parameters = {
        "transaction_ids": [identity.transaction_id for identity in identities],
        "event_times": event_times,
        "horizon": horizon,
        "first": _shifted(min(event_times), -horizon),
        "last": _shifted(max(event_times), horizon),
    }
    return connection.execute(query("decisions_by_identity"), parameters, binary=True)


def ask_decisions_at(connection: Connection, deliveries: Sequence[Delivery]) -> _Cursor:
    """Ask for the rows that stand at these deliveries' positions."""
    parameters = _position_arrays([delivery.position for delivery in deliveries]) | {
        "arrival_times": [delivery.arrival_time for delivery in deliveries],
    }
    return connection.execute(query("decisions_by_position"), parameters, binary=True)


def ask_refusals(connection: Connection, positions: Sequence[StreamPosition]) -> _Cursor:
    """Ask for the verdicts that refused the records at these positions, at least one."""
    return connection.execute(query("refusals_by_position"), _position_arrays(positions), binary=True)


def _position_arrays(positions: Sequence[StreamPosition]) -> dict[str, Any]:
    columns = zip(*map(position_to_row, positions), strict=True)
    return {name: list(column) for name, column in zip(_POSITION_ARRAYS, columns, strict=True)}


def _distinct(rows: Iterable[Sequence[Any]]) -> tuple[Decision, ...]:
    decisions = [row_to_decision(row) for row in rows]
    return tuple({decision.identity: decision for decision in decisions}.values())


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """Return `moment + by`, or the end of the calendar: an event may claim the year 1 or 9999."""
    try:
        return moment + by
    except OverflowError:
        return _LATEST if by > timedelta() else _EARLIEST
