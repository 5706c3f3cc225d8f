"""From a scored transaction to what is written: the decision's row and the alert for people. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Literal

from consumer.scoring.reasons import reason_text
from consumer.scoring.scorer import MadeBy, Scored
from schemas.alert import Alert, AlertPosition, AlertReason, alert_id
from schemas.decision import Decision
from schemas.transaction import Received

Rule = Literal["score", "block_list"]


def rule_of(decision: Decision) -> Rule:
    """Return what raises the decision's alert, if it has one: the score, or the block list. Follows from the stored row alone."""
    is_blocked = any(reason.code == "BLOCK_LISTED" for reason in decision.reasons or ())
    return "block_list" if is_blocked else "score"


_decision = partial(tuple.__new__, Decision)  # the constructor would name 37 fields for each record of the stream


def decision_of(
    received: Received, scored: Scored, made_by: MadeBy, received_at: datetime, scored_at: datetime
) -> Decision:
    """Return the row that this worker proposes; the ledger says whether it becomes the effective one.

    Both times are the worker's clock, aware UTC in milliseconds.
    """
    transaction, (_, _, (epoch, shard_id, sequence_number, sub_sequence), arrival_time) = received
    place = (epoch, shard_id, str(sequence_number), sub_sequence)
    return _decision((*transaction, *scored[:6], *made_by, *place, arrival_time, received_at, scored_at))


def alert_of(decision: Decision, threshold: float, reason_method: str) -> Alert:
    """Return the alert of a decision; the same identity and rule always give the same `alert_id`."""
    position, rule = decision.position, rule_of(decision)
    return Alert(
        alert_id=alert_id(decision.identity, rule),
        rule=rule,
        severity=decision.risk_level,
        summary=_summary(decision),
        transaction_id=decision.transaction_id,
        event_time=decision.event_time,
        user_id=decision.user_id,
        amount=decision.amount,
        currency=decision.currency,
        merchant_id=decision.merchant_id,
        merchant_category=decision.merchant_category,
        country=decision.location_country,
        score=decision.score,
        threshold=threshold,
        reasons=tuple(
            AlertReason(**reason._asdict(), text=reason_text(reason.code, reason.value))
            for reason in decision.reasons or ()
        ),
        reason_method=reason_method,
        model_version=decision.model_version,
        policy_version=decision.policy_version,
        position=AlertPosition(
            stream_epoch=position.stream_epoch,
            shard_id=position.shard_id,
            sequence_number=str(position.sequence_number),
            sub_sequence=position.sub_sequence,
        ),
    )


def _summary(decision: Decision) -> str:
    money = f"{decision.amount} {decision.currency}" if decision.currency else str(decision.amount)
    place = f" in {decision.location_country}" if decision.location_country else ""
    because = f" because of {', '.join(r.code for r in decision.reasons)}" if decision.reasons else ""
    return f"{decision.risk_level.capitalize()} fraud risk {decision.score:.2f}: {money}{place} by user {decision.user_id}{because}."
