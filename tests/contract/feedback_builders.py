"""Labels, and decisions of merchants' hours, that tests vary. Times are around now, because the ledger's clock gives `known_at`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from schemas.decision import Decision
from schemas.label import Label
from schemas.timestamps import format_timestamp, parse_timestamp
from sinks.ledger.feedback_rules import begin_of, hour_of
from tests.contract.ledger_builders import a_decision

NOW = datetime.now(UTC)
THIS_HOUR = hour_of(NOW)
OLD = parse_timestamp("2026-03-01T12:00:00Z")


def a_label(transaction_id: str = "t-1", **changes: Any) -> Label:
    plain = {
        "transaction_id": transaction_id,
        "is_fraud": True,
        "source": "chargeback",
        "reported_at": format_timestamp(OLD),
    }
    return Label.model_validate(plain).model_copy(update=changes)


def a_decision_at(
    hour: int, transaction_id: str = "t-1", minute: float = 30, merchant_id: str | None = "m-1"
) -> Decision:
    """A decision of an event in that hour (since 1970), of merchant m-1."""
    event_time = begin_of(hour) + timedelta(minutes=minute)
    offset = crc32(f"{transaction_id} {event_time}".encode())
    return a_decision(transaction_id, offset=offset, event_time=event_time, merchant_id=merchant_id)
