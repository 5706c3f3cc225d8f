"""How the peers write a row of their table (table.sql): a user keeps what is asked for most, 17 columns and one index.

Ours keeps 36 columns and the feature vector, in partitions, with two more indexes, an outbox and the refusals.
"""

from __future__ import annotations

from typing import Any

from tests.bench.peers.payment import NO_DEVICE, NO_LOCATION, Payment

MODEL_VERSION = "logistic-1"

_COLUMNS = {
    "transaction_id": "text",
    "event_time": "timestamptz",
    "user_id": "text",
    "amount": "numeric",
    "currency": "text",
    "merchant_id": "text",
    "merchant_category": "text",
    "channel": "text",
    "country": "text",
    "device_id": "text",
    "ip_address": "text",
    "card_id": "text",
    "score": "float8",
    "is_fraud": "boolean",
    "risk_level": "text",
    "model_version": "text",
}
_INTO = f"insert into scored_payment ({', '.join(_COLUMNS)})"

# KCL and Lambda deliver again after a crash: whoever knows that lets the second delivery of a transaction pass.
INSERT = f"{_INTO} values ({', '.join(['%s'] * len(_COLUMNS))}) on conflict do nothing"

# One statement a batch: an array a column.
_ARRAYS = ", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values())
INSERT_ARRAYS = f"{_INTO} select * from unnest({_ARRAYS}) on conflict do nothing"  # noqa: S608 - nothing from outside is in it


def row_of(payment: Payment, score: float) -> tuple[Any, ...]:
    """Return the values of one payment in the order of the columns."""
    place, device = payment.location or NO_LOCATION, payment.device_info or NO_DEVICE
    return (
        payment.transaction_id, payment.timestamp, payment.user_id, payment.amount, payment.currency, payment.merchant_id,
        payment.merchant_category, payment.channel, place.country, device.device_id, device.ip_address, payment.card_id,
        score, score > 0.5, risk_level(score), MODEL_VERSION,
    )  # fmt: skip


def row_of_event(event: dict[str, Any], score: float) -> tuple[Any, ...]:
    """Return the same of a parsed event that no model has looked at; PostgreSQL reads the time and rounds the amount."""
    get = event.get
    place, device = get("location") or {}, get("device_info") or {}
    return (
        event["transaction_id"], event["timestamp"], event["user_id"], event["amount"], get("currency"), get("merchant_id"),
        get("merchant_category"), get("channel"), place.get("country"), device.get("device_id"), device.get("ip_address"),
        get("card_id"), score, score > 0.5, risk_level(score), MODEL_VERSION,
    )  # fmt: skip


def risk_level(score: float) -> str:
    """Return the score's band, as the policy of the event bundle has it."""
    if score > 0.5:
        return "critical" if score > 0.85 else "high"
    return "low" if score < 0.3 else "medium"
