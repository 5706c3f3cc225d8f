"""One batch in one transaction: first write wins on the identity, first verdict on the position, alerts only of what is new."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from schemas.alert import Alert
from schemas.decision import Decision, Identity
from sinks.errors import TransientSinkError
from sinks.ledger.connection import Connection
from sinks.ledger.fence import lock_shards, require_unchanged
from sinks.ledger.look_up import ask_decisions
from sinks.ledger.queries import query
from sinks.ledger.rows import (
    DECISION_COLUMNS,
    alert_to_row,
    decision_to_row,
    refusal_to_row,
    row_to_decision,
    staging_types,
)
from sinks.port import Refusal

_STAGING_TYPES = staging_types()


def make_staging(connection: Connection) -> None:
    """Make the session's temporary table, which is empty again after every transaction."""
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(DECISION_COLUMNS, _STAGING_TYPES, strict=True))
    statement = f"create temp table if not exists staging ({columns}) on commit delete rows"
    connection.execute(statement.encode())


def commit_batch(
    connection: Connection, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
) -> Mapping[Identity, Decision]:
    """Write the batch and return the effective decisions by identity, in the order given."""
    given = {decision.identity: decision for decision in decisions}
    with connection.transaction():
        connection.execute(query("lock_for_writing"))
        lock_shards(connection, [*(d.position for d in decisions), *(r.position for r in refusals)])
        require_unchanged(connection, decisions, refusals)
        inserted = _insert_decisions(connection, decisions)
        _insert_alerts(connection, alerts, {identity: given[identity] for identity in inserted})
        _insert_refusals(connection, refusals)
        return given | _read_effective(connection, given.keys() - inserted)


def _insert_decisions(connection: Connection, decisions: Sequence[Decision]) -> Collection[Identity]:
    if not decisions:
        return set()
    with connection.cursor(binary=True) as cursor:
        with cursor.copy(query("copy_into_staging")) as copy:
            copy.set_types(_STAGING_TYPES)
            for decision in decisions:
                copy.write_row(decision_to_row(decision))
        cursor.execute(query("insert_decisions"))
        return {Identity._make(row) for row in cursor}


def _read_effective(connection: Connection, identities: Collection[Identity]) -> dict[Identity, Decision]:
    """Read the rows that were there before, by a statement of its own: the insert's snapshot cannot see what it waited for."""
    if not identities:
        return {}
    found = [row_to_decision(row) for row in ask_decisions(connection, list(identities), timedelta())]
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
