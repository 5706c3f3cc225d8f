"""What the ledger knows of a batch: verdicts on its positions, rows of its transactions, rows at unreadable positions, its past."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from schemas.decision import Decision, Identity
from schemas.history import Wanted
from sinks.ledger.arrays import pack_integers, pack_texts, pack_times
from sinks.ledger.connection import Connection, Cursor
from sinks.ledger.histories import ask_histories, rows_to_histories
from sinks.ledger.merchants import ask_windows, rows_to_windows
from sinks.ledger.queries import query
from sinks.ledger.rows import row_to_decision, row_to_refusal
from sinks.ledger.stretches import Place, stretches
from sinks.port import Candidate, Delivery, Known

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def look_up(
    connection: Connection,
    readable: Sequence[Candidate],
    unreadable: Sequence[Delivery],
    wanted: Wanted,
    horizon: timedelta,
) -> Known:
    """Ask everything in one round trip (pipeline mode). What is empty is not asked.

    Records are hardly ever refused before: one probe tells for all of them, and only then the verdicts are asked for.
    """
    positions = [*(each.position for each in readable), *(each.position for each in unreadable)]
    identities = [candidate.identity for candidate in readable]
    with connection.pipeline():
        probed = ask_whether_refused(connection, positions)
        decided = ask_decisions(connection, identities, horizon) if readable else ()
        standing = ask_decisions_at(connection, unreadable) if unreadable else ()
        past = ask_histories(connection, wanted.users) if wanted.users else None
        hours = ask_windows(connection, wanted.merchants) if wanted.merchants else ()
    refusals = map(row_to_refusal, ask_refusals(connection, positions) if is_any_refused(probed) else ())
    return Known(
        {refusal.position: refusal for refusal in refusals},
        _distinct(chain(decided, standing)),
        rows_to_histories(past.fetchall() if past else (), wanted.users),
        rows_to_windows(hours),
    )


def ask_decisions(connection: Connection, identities: Sequence[Identity], horizon: timedelta) -> Cursor:
    """Ask for the rows of these transactions whose event time is within `horizon` of the one asked for; one row may come twice."""
    transaction_ids, event_times = zip(*identities, strict=True)
    parameters = {
        "transaction_ids": pack_texts(transaction_ids),
        "event_times": pack_times(event_times),
        "horizon": horizon,
        "first": _shifted(min(event_times), -horizon),
        "last": _shifted(max(event_times), horizon),
    }
    return connection.execute(query("decisions_by_identity"), parameters, binary=True)


def ask_decisions_at(connection: Connection, deliveries: Sequence[Delivery]) -> Cursor:
    """Ask for the rows that stand at these deliveries' positions, at least one."""
    places = _place_arrays([delivery.position for delivery in deliveries])
    arrivals = {"arrival_times": pack_times([delivery.arrival_time for delivery in deliveries])}
    return connection.execute(query("decisions_by_position"), places | arrivals, binary=True)


def ask_whether_refused(connection: Connection, places: Collection[Place]) -> list[Cursor]:
    """Ask `is_any_refused` of these places."""
    asked = [stretch._asdict() for stretch in stretches(places)]
    return [connection.execute(query("refused_between"), parameters, binary=True) for parameters in asked]


def is_any_refused(probed: Iterable[Cursor]) -> bool:
    """Whether there may be a verdict at these places: False is certain, True may be one that lies between them."""
    return any(cursor.fetchone() for cursor in probed)


def ask_refusals(connection: Connection, places: Sequence[Place]) -> Cursor:
    """Ask for the verdicts that refused the records at these places, at least one."""
    return connection.execute(query("refusals_by_position"), _place_arrays(places), binary=True)


def _place_arrays(places: Iterable[Place]) -> dict[str, Any]:
    epochs, shard_ids, numbers, sub_sequences = zip(*places, strict=True)
    return {
        "stream_epochs": pack_texts(epochs),
        "shard_ids": pack_texts(shard_ids),
        "sequence_numbers": pack_texts([str(number) for number in numbers]),
        "sub_sequences": pack_integers(sub_sequences),
    }


def _distinct(rows: Iterable[Sequence[Any]]) -> tuple[Decision, ...]:
    decisions = [row_to_decision(row) for row in rows]
    return tuple({decision.identity: decision for decision in decisions}.values())


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """Return `moment + by`, or the end of the calendar: an event may claim the year 1 or 9999."""
    try:
        return moment + by
    except OverflowError:
        return _LATEST if by > timedelta() else _EARLIEST
