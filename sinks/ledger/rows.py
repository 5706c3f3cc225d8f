"""How decisions, refusals and alerts stand in rows, and how rows become the same values again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from schemas.alert import Alert
from schemas.dead_letter import FieldError
from schemas.decision import Decision, Identity, Reason
from schemas.lake import LEDGER_COLUMNS
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.alerts.document import attributes_of, payload_of
from sinks.port import Refusal

DECISION_COLUMNS = Decision._fields
REFUSED_COLUMNS = (
    "stream_epoch", "shard_id", "sequence_number", "sub_sequence", "arrival_time", "stage", "reason", "detail",
)  # fmt: skip
ALERT_COLUMNS = (
    "alert_id", "transaction_id", "event_time", "rule", "severity", "arrival_time", "created_at", "state",
    "suppressed_reason", "attempts", "last_error", "message_id", "sent_at", "payload::text", "attributes",
)  # fmt: skip
_REASONS = DECISION_COLUMNS.index("reasons")
_SENT_AS = {"smallint": "bigint", "integer": "bigint", "real": "double precision"}


class StoredRefusal(NamedTuple):
    """A verdict as it stands in the ledger, with the times (database's clock) it was given and, if ever, was mended.

    `replayed_at`: a replay decided the record at its own position. `resolved_at`: every effect of that stands, or the event turned out
    to be decided elsewhere. Replayed and not resolved is a replay that has not ended.
    """

    refusal: Refusal
    refused_at: datetime
    resolved_at: datetime | None
    replayed_at: datetime | None = None


class OutboxRow(NamedTuple):
    """An alert as it stands in the outbox, told or not. `state` is pending, sent, parked or suppressed."""

    alert_id: UUID
    identity: Identity
    rule: str
    severity: str
    arrival_time: datetime
    created_at: datetime
    state: str
    suppressed_reason: str | None
    attempts: int
    last_error: str | None
    message_id: str | None
    sent_at: datetime | None
    payload: str
    attributes: dict[str, str | float]


def sent_types() -> tuple[str, ...]:
    """Return the types in which decisions are sent, in the order of `DECISION_COLUMNS`.

    Wider than the ledger's where a value could be cut to fit before the database sees it: so the database refuses what does not fit.
    """
    plain = [(column.ledger or "").split(" check", 1)[0].split("(", 1)[0] for column in LEDGER_COLUMNS]
    return tuple(_SENT_AS.get(name, name) for name in plain)


def decision_to_row(decision: Decision) -> Sequence[Any]:
    """Return the values that insert one decision."""
    if decision.reasons is None:
        return decision
    return decision._replace(reasons=Jsonb([reason._asdict() for reason in decision.reasons]))  # type: ignore[arg-type]


def row_to_decision(row: Sequence[Any]) -> Decision:
    """Return the decision that a row of `DECISION_COLUMNS` holds, equal to the one that was committed."""
    stored = row[_REASONS]
    if stored is None:
        return Decision._make(row)
    reasons = tuple(_reason(entry) for entry in stored)
    return Decision._make((*row[:_REASONS], reasons, *row[_REASONS + 1 :]))


def _reason(entry: dict[str, Any]) -> Reason:
    value = entry["value"]  # jsonb keeps numbers as decimals: 1e300 comes back as an integer of 301 digits
    return Reason(entry["code"], None if value is None else float(value), float(entry["contribution"]))


def position_to_row(position: StreamPosition) -> tuple[str, str, str, int]:
    """Return the four columns that hold a position; the sequence number is text, because it has 56 digits and more."""
    return position.stream_epoch, position.shard_id, str(position.sequence_number), position.sub_sequence


def row_to_position(row: Sequence[Any]) -> StreamPosition:
    """Return the position that a row's first four columns hold."""
    epoch, shard, sequence, sub_sequence = row[:4]
    return StreamPosition(StreamEpoch(epoch), ShardId(shard), int(sequence), sub_sequence)


def refusal_to_row(refusal: Refusal) -> dict[str, Any]:
    """Return the parameters that insert a refusal."""
    detail = Jsonb([error.model_dump() for error in storable(refusal).errors])
    values = (*position_to_row(refusal.position), refusal.arrival_time, refusal.stage, refusal.reason, detail)
    return dict(zip(REFUSED_COLUMNS, values, strict=True))


def row_to_refusal(row: Sequence[Any]) -> Refusal:
    """Return the refusal that a row of `REFUSED_COLUMNS` (and perhaps more) holds."""
    arrival, stage, reason, detail = row[4 : len(REFUSED_COLUMNS)]
    return Refusal(row_to_position(row), arrival, stage, reason, tuple(FieldError(**error) for error in detail))


def row_to_stored_refusal(row: Sequence[Any]) -> StoredRefusal:
    """Return the refusal with its times from a row of `REFUSED_COLUMNS`, `refused_at`, `resolved_at`, `replayed_at`."""
    return StoredRefusal(row_to_refusal(row), *row[len(REFUSED_COLUMNS) :])


def storable(refusal: Refusal) -> Refusal:
    """Return the refusal with what PostgreSQL cannot store (U+0000, lone surrogates) replaced in its messages.

    Messages may quote the hostile event; a verdict that could not be stored would stop the shard for good.
    """
    return refusal._replace(errors=tuple(_storable_error(error) for error in refusal.errors))


def _storable_error(error: FieldError) -> FieldError:
    return FieldError(field=_storable_text(error.field), message=_storable_text(error.message))


def _storable_text(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def alert_to_row(alert: Alert, decision: Decision) -> dict[str, Any]:
    """Return the parameters that put the alert of `decision` into the outbox."""
    return {
        "alert_id": alert.alert_id,
        "transaction_id": alert.transaction_id,
        "event_time": alert.event_time,
        "user_id": decision.user_id,
        "rule": alert.rule,
        "severity": alert.severity,
        "arrival_time": decision.arrival_time,
        "payload": payload_of(alert),
        "attributes": Jsonb(attributes_of(alert)),
    }


def row_to_outbox_row(row: Sequence[Any]) -> OutboxRow:
    """Return the outbox row that a row of `ALERT_COLUMNS` holds."""
    alert_id, transaction_id, event_time, *rest = row
    return OutboxRow(alert_id, Identity(transaction_id, event_time), *rest)
