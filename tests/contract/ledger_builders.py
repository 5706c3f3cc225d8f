"""Decisions, alerts and refusals that tests vary by what they are about."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from schemas.alert import Alert, AlertPosition, AlertReason, alert_id
from schemas.dead_letter import FieldError
from schemas.decision import Decision, Reason
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.port import Candidate, Delivery, Refusal
from tests.builders import NOW, PLAIN_DECISION

EPOCH = StreamEpoch("20260801T000000Z")
SHARD = ShardId("shardId-000000000003")
FIRST_SEQUENCE = 49590338271490256608559692538361571095921575989136588898


def float32(number: float) -> float:
    """Round as the scorer does before any sink sees a score."""
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


def a_position(offset: int = 0, **changes: Any) -> StreamPosition:
    return StreamPosition(EPOCH, SHARD, FIRST_SEQUENCE + offset)._replace(**changes)


def a_decision(transaction_id: str = "t-1", *, offset: int = 0, **changes: Any) -> Decision:
    """A low-risk decision; `offset` moves its position."""
    position = a_position(offset)
    decision = PLAIN_DECISION._replace(
        transaction_id=transaction_id,
        content_hash=blake2b(transaction_id.encode("utf-8", "replace"), digest_size=16).digest(),
        score=float32(0.07),
        stream_epoch=position.stream_epoch,
        shard_id=position.shard_id,
        sequence_number=str(position.sequence_number),
        arrival_time=NOW + timedelta(milliseconds=offset),
    )
    return decision._replace(**changes)


def a_risky_decision(transaction_id: str = "t-risky", **changes: Any) -> Decision:
    risky: dict[str, Any] = {
        "amount": Decimal("980.00"),
        "score": float32(0.93),
        "classification": 1,
        "risk_level": "critical",
        "reasons": (Reason("amount_is_unusual", 980.0, 2.25), Reason("country_is_new", None, 0.5)),
    }
    return a_decision(transaction_id, **{**risky, **changes})


def an_alert(decision: Decision, rule: str = "score", **changes: Any) -> Alert:
    position = AlertPosition(
        stream_epoch=decision.stream_epoch,
        shard_id=decision.shard_id,
        sequence_number=decision.sequence_number,
        sub_sequence=decision.sub_sequence,
    )
    alert = Alert(
        alert_id=alert_id(decision.identity, rule),
        rule=rule,
        severity=decision.risk_level,
        summary="A risk.",
        transaction_id=decision.transaction_id,
        event_time=decision.event_time,
        user_id=decision.user_id,
        amount=decision.amount,
        currency=decision.currency,
        merchant_id=decision.merchant_id,
        merchant_category=decision.merchant_category,
        country=decision.location_country,
        score=decision.score,
        threshold=0.5,
        reasons=tuple(AlertReason(**reason._asdict(), text="why") for reason in decision.reasons or ()),
        reason_method="method",
        model_version=decision.model_version,
        policy_version=decision.policy_version,
        position=position,
    )
    return alert.model_copy(update=changes)


def a_refusal(offset: int = 0, **changes: Any) -> Refusal:
    errors = (FieldError(field="amount", message="must be a JSON number"),)
    return Refusal(a_position(offset), NOW, "decode", "invalid_event", errors)._replace(**changes)


def a_candidate(decision: Decision, later_by: timedelta = timedelta(), *, offset: int = 1_000) -> Candidate:
    """A readable event with the decision's transaction id, at another position."""
    identity = decision.identity._replace(event_time=decision.event_time + later_by)
    return Candidate(identity, a_position(offset))


def a_delivery(position: StreamPosition, arrival_time: datetime = NOW) -> Delivery:
    return Delivery(position, arrival_time)
