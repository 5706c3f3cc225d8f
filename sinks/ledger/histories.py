"""Users' earlier transactions: what a decision leaves behind, which of it counts, and how it is asked of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import nlargest
from operator import itemgetter
from typing import Any

from schemas.decision import Decision
from schemas.history import NEWEST, PastTransaction, past_of
from sinks.ledger.arrays import pack_texts, pack_times
from sinks.ledger.connection import Connection, Cursor
from sinks.ledger.queries import query

Histories = Mapping[str, Sequence[PastTransaction]]
"""As `sinks.port.Known` defines them."""

_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_past = partial(tuple.__new__, PastTransaction)  # its own constructor takes three times as long
_age = itemgetter(PastTransaction._fields.index("event_ms"), PastTransaction._fields.index("transaction_id"))


def ask_histories(connection: Connection, users: Mapping[str, int]) -> Cursor:
    """Ask for the rows that `rows_to_histories` takes; `users` with the time (ms) after which their rows count, at least one."""
    since = [_first_after(ms) for ms in users.values()]
    arrays = {"user_ids": pack_texts(list(users)), "since": pack_times(since)}
    parameters = {**arrays, "earliest": min(since), "newest": NEWEST}
    return connection.execute(query("histories"), parameters, binary=True)


def rows_to_histories(rows: Iterable[Sequence[Any]], users: Iterable[str]) -> Histories:
    """Return the histories of these users from rows that hold a user's id and the fields of a `PastTransaction`."""
    found: dict[str, list[PastTransaction]] = {user_id: [] for user_id in users}
    for row in rows:
        found[row[0]].append(_past(row[1:]))
    for history in found.values():
        history.reverse()  # they come newest first, so that there is nothing left to sort
        history.sort(key=_age)
    return found


def histories_of(decisions: Iterable[Decision], users: Mapping[str, int]) -> Histories:
    """Return the histories that these decisions, in any order, are for `users`."""
    found: dict[str, list[PastTransaction]] = {user_id: [] for user_id in users}
    for decision in decisions:
        if decision.user_id in found and (past := past_of(decision)).event_ms > users[decision.user_id]:
            found[decision.user_id].append(past)
    return {user_id: nlargest(NEWEST, rows, key=_age)[::-1] for user_id, rows in found.items()}


def _first_after(since_ms: int) -> datetime:
    """Return the first millisecond after this one; what lies beyond the calendar becomes its end."""
    try:
        return _1970 + (since_ms + 1) * _MILLISECOND
    except OverflowError:
        return _LATEST if since_ms > 0 else _EARLIEST
