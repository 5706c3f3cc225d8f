"""The front door's questions in PostgreSQL: one connection a gateway process, one round trip for all that waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from schemas.decision import Decision, Identity
from schemas.position import StreamPosition
from sinks.errors import TransientSinkError
from sinks.front import Found, Pending, Reservation, Standing, Verdict
from sinks.ledger.arrays import pack_bytes, pack_texts, pack_times
from sinks.ledger.connection import Connection, Cursor, Dsn, Session, pipelined_transaction
from sinks.ledger.constraints import is_text
from sinks.ledger.look_up import ask_decisions, ask_refusals, is_any_refused
from sinks.ledger.migrations import check_schema
from sinks.ledger.postgres import DEDUP_HORIZON
from sinks.ledger.queries import query
from sinks.ledger.rows import row_to_decision, row_to_refusal
from sinks.ledger.stretches import stretches
from sinks.port import Refusal


class PostgresFront:
    """A `sinks.front.FrontLedger` on a connection of its own, for one thread.

    Connects at the first call and again at the first call after a failure; each time it checks the schema's version.
    """

    def __init__(
        self, dsn: Dsn, *, dedup_horizon: timedelta = DEDUP_HORIZON, application_name: str = "fraudstream-gateway"
    ) -> None:
        self._horizon = dedup_horizon
        self._session = Session(dsn, application_name, _set_up)

    def reserve(self, asked: Sequence[Reservation]) -> Sequence[Standing]:
        """See `sinks.front.FrontLedger.reserve`."""
        if not asked:
            return ()
        with self._session.use() as connection:
            with pipelined_transaction(connection):
                inserted, standing, decided = ask_to_reserve(connection, asked, self._horizon)
            return _standings(asked, {*map(Reservation._make, inserted)}, _by_id(standing), _by_number(decided))

    def settled(self, pending: Sequence[Pending]) -> Mapping[Identity, Verdict]:
        """See `sinks.front.FrontLedger.settled`. Refused records are rare: one probe a shard tells that there is none."""
        if not pending:
            return {}
        with self._session.use() as connection:
            identities = list({each.identity for each in pending})
            places = list({each.position for each in pending if each.position})
            with connection.pipeline():
                decided = ask_decisions(connection, identities, timedelta())
                probed = [ask_whether_any_refused(connection, places)] if places else []
            decisions = {decision.identity: decision for decision in map(row_to_decision, decided)}
            refusals = _refusals_at(connection, places) if is_any_refused(probed) else {}
            return verdicts_of(pending, decisions, refusals)

    def find(self, transaction_id: str) -> Found:
        """See `sinks.front.FrontLedger.find`."""
        if not is_text(transaction_id):
            return Found((), None)
        parameter = {"transaction_id": transaction_id}
        ids = {"transaction_ids": pack_texts([transaction_id])}
        with self._session.use() as connection:
            with connection.pipeline():
                decided = connection.execute(query("read_decisions_by_transaction"), parameter, binary=True)
                standing = connection.execute(query("reservations_of"), ids, binary=True)
            return Found(tuple(map(row_to_decision, decided)), _by_id(standing).get(transaction_id))

    def check(self) -> None:
        """See `sinks.front.FrontLedger.check`."""
        with self._session.use() as connection:
            check_schema(connection)

    def close(self) -> None:
        """See `sinks.front.FrontLedger.close`."""
        self._session.close()


def ask_to_reserve(connection: Connection, asked: Sequence[Reservation], horizon: timedelta) -> tuple[Cursor, ...]:
    """Ask for what was inserted just now, for the reservations that stand, and for the decisions around these; at least one is asked.

    Three statements, so that each has a snapshot of its own: the insert's cannot see what it waited for.
    """
    transaction_ids, event_times, content_hashes = zip(*asked, strict=True)
    ids = {"transaction_ids": pack_texts(transaction_ids)}
    around = ids | {"event_times": pack_times(event_times), "horizon": horizon}
    given = around | {"content_hashes": pack_bytes(content_hashes)}
    return (
        connection.execute(query("insert_reservations"), given, binary=True),
        connection.execute(query("reservations_of"), ids, binary=True),
        connection.execute(query("decisions_around_reservations"), around, binary=True),
    )


def verdicts_of(
    pending: Iterable[Pending], decisions: Mapping[Identity, Decision], refusals: Mapping[StreamPosition, Refusal]
) -> dict[Identity, Verdict]:
    """Return what is settled of `pending`, a decision before a refusal. Pure."""
    verdicts: dict[Identity, Verdict] = dict(decisions)
    for identity, position in pending:
        if position is not None and position in refusals:
            verdicts.setdefault(identity, refusals[position])
    return verdicts


def ask_whether_any_refused(connection: Connection, places: Sequence[StreamPosition]) -> Cursor:
    """Ask the same as `look_up.ask_whether_refused` by one statement: these places are of all shards, many times a second."""
    columns = [pack_texts(column) for column in zip(*stretches(places), strict=True)]
    parameters = dict(zip(("stream_epochs", "shard_ids", "firsts", "lasts"), columns, strict=True))
    return connection.execute(query("refused_among"), parameters, binary=True)


def _refusals_at(connection: Connection, places: Sequence[StreamPosition]) -> dict[StreamPosition, Refusal]:
    return {refusal.position: refusal for refusal in map(row_to_refusal, ask_refusals(connection, places))}


def _standings(
    asked: Sequence[Reservation],
    inserted: set[Reservation],
    standing: Mapping[str, Reservation],
    decided: Mapping[int, tuple[Decision, ...]],
) -> list[Standing]:
    standings: list[Standing] = []
    for number, reservation in enumerate(asked, 1):
        is_new = reservation in inserted
        inserted.discard(reservation)  # whoever asks the same a second time was not the first
        standings.append(Standing(standing.get(reservation.transaction_id), is_new, decided.get(number, ())))
    if any(each.reservation is None and not each.decisions for each in standings):
        raise TransientSinkError("a row that stood in the way of a reservation is gone: retention took it just now")
    return standings


def _by_id(rows: Iterable[Sequence[Any]]) -> dict[str, Reservation]:
    return {reservation.transaction_id: reservation for reservation in map(Reservation._make, rows)}


def _by_number(rows: Iterable[Sequence[Any]]) -> dict[int, tuple[Decision, ...]]:
    """Return the decisions by the place of what was asked for, counted from 1, ascending by event time."""
    found: defaultdict[int, list[Decision]] = defaultdict(list)
    for number, *row in rows:
        found[number].append(row_to_decision(row))
    return {number: tuple(sorted(decisions, key=lambda each: each.event_time)) for number, decisions in found.items()}


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("session"))
    connection.execute(query("worker_session"))
    connection.prepare_threshold = 0
