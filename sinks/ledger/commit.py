"""One batch in one transaction: first write wins on the identity, first verdict on the position, alerts only of what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from schemas.alert import Alert
from schemas.decision import Decision, Identity
from sinks.errors import TransientSinkError
from sinks.ledger.arrays import PACKERS
from sinks.ledger.connection import Connection, Cursor, pipelined_transaction
from sinks.ledger.fence import ask_verdicts, lock_shards, require_unchanged
from sinks.ledger.look_up import ask_decisions
from sinks.ledger.queries import query
from sinks.ledger.rows import (
    DECISION_COLUMNS,
    alert_to_row,
    refusal_to_row,
    row_to_decision,
    sent_types,
)
from sinks.port import Refusal

_PACKERS = [PACKERS[kind] for kind in sent_types()]
_identity = partial(tuple.__new__, Identity)  # its own constructor takes three times as long


def commit_batch(
    connection: Connection, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
) -> Mapping[Identity, Decision]:
    """Write the batch and return the effective decisions by identity, in the order given. Two round trips, if all are new."""
    with pipelined_transaction(connection):
        return write_batch(connection, decisions, alerts, refusals)


def write_batch(
    connection: Connection, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
) -> Mapping[Identity, Decision]:
    """Do the same in a transaction that the caller begins and ends."""
    given = {_identity(decision[:2]): decision for decision in decisions}
    connection.execute(query("lock_for_writing"))
    lock_shards(connection, decisions, refusals)
    verdicts = ask_verdicts(connection, decisions, refusals)
    written = _insert_decisions(connection, decisions)
    require_unchanged(connection, verdicts, decisions, refusals)
    inserted = _inserted(written, given)
    _insert_alerts(connection, alerts, inserted)
    _insert_refusals(connection, refusals)
    return given | _read_effective(connection, given, inserted)


def _insert_decisions(connection: Connection, decisions: Sequence[Decision]) -> Cursor | None:
    if not decisions:
        return None
    columns = zip(DECISION_COLUMNS, _PACKERS, zip(*decisions, strict=True), strict=True)
    packed = {name: pack(values) for name, pack, values in columns}
    return connection.execute(query("insert_decisions"), packed, binary=True)


def _inserted(written: Cursor | None, given: Mapping[Identity, Decision]) -> Mapping[Identity, Decision]:
    if written is None or written.rowcount == len(given):  # nearly always, and then the rows need not be looked at
        return given
    return {identity: given[identity] for identity in map(_identity, written)}


def _read_effective(
    connection: Connection, given: Mapping[Identity, Decision], inserted: Mapping[Identity, Decision]
) -> dict[Identity, Decision]:
    """Read the rows that were there before, by a statement of its own: the insert's snapshot cannot see what it waited for."""
    if len(inserted) == len(given):
        return {}
    identities = list(given.keys() - inserted.keys())
    found = [row_to_decision(row) for row in ask_decisions(connection, identities, timedelta())]
    if len(found) < len(identities):
        raise TransientSinkError("rows that stood in the way of the insert are gone: was a partition dropped?")
    return {decision.identity: decision for decision in found}


def _insert_alerts(connection: Connection, alerts: Sequence[Alert], inserted: Mapping[Identity, Decision]) -> None:
    pairs = [(alert, inserted.get(Identity(alert.transaction_id, alert.event_time))) for alert in alerts]
    rows = [alert_to_row(alert, decision) for alert, decision in pairs if decision is not None]
    rows.sort(key=lambda row: row["alert_id"])
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(query("insert_alert"), rows)


def _insert_refusals(connection: Connection, refusals: Sequence[Refusal]) -> None:
    rows = [refusal_to_row(refusal) for refusal in sorted(refusals, key=lambda each: each.position)]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(query("insert_refusal"), rows)
