"""The bodies of all answers but refusals, made of what the ledger holds. Pure: the same decision gives the same body for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from schemas.decision import Decision, Reason
from schemas.timestamps import format_timestamp
from sinks.feedback import LabelOutcome

ReasonText = Callable[[str, float | None], str]
"""Returns the sentence that explains a reason's code and value to a person; KeyError where no release ever had the code."""
Body = dict[str, Any]


def classification(decision: Decision, reason_text: ReasonText, *, is_duplicate: bool) -> Body:
    """Return the body of 200 for POST /api/v1/classify. The two probabilities sum to 1, as decimals and as doubles."""
    return {
        "transaction_id": decision.transaction_id,
        **_verdict(decision),
        "timestamp": format_timestamp(decision.scored_at),
        "model_version": decision.model_version,
        "reasons": _reasons(decision, reason_text),
        "duplicate": is_duplicate,
    }


def pending(transaction_id: str, event_time: datetime) -> Body:
    """Return the body of 202: the event is in the stream (or reserved) and not decided yet."""
    return {
        "status": "pending",
        "transaction_id": transaction_id,
        "event_time": format_timestamp(event_time),
        "location": location(transaction_id, event_time),
    }


def location(transaction_id: str, event_time: datetime) -> str:
    """Return where the decision can be asked for: the value of the header Location. Any id survives it, one with a slash too."""
    query = urlencode({"timestamp": format_timestamp(event_time)}, quote_via=quote)
    return f"/api/v1/transactions/{quote(transaction_id, safe='')}?{query}"


def batch_item(index: int, status: int, body: Body) -> Body:
    """Return one result of a batch: its place in the request from 0, and what it alone would have been answered."""
    return {"index": index, "status": status, "body": body}


def batch(items: Iterable[Body]) -> Body:
    """Return the body of 200 for a batch, in the order of the request."""
    return {"results": list(items)}


def transaction(decision: Decision, reason_text: ReasonText, others: Iterable[datetime] = ()) -> Body:
    """Return the body of 200 for GET /api/v1/transactions/{id}; `others`: event times of other decisions with this id."""
    return {
        "status": "decided",
        "transaction_id": decision.transaction_id,
        **_verdict(decision),
        "reasons": _reasons(decision, reason_text),
        "versions": {
            "model": decision.model_version,
            "policy": decision.policy_version,
            "feature_set": decision.feature_set,
        },
        "times": {
            "event": format_timestamp(decision.event_time),
            "arrival": format_timestamp(decision.arrival_time),
            "received": format_timestamp(decision.received_at),
            "scored": format_timestamp(decision.scored_at),
        },
        "others": [format_timestamp(moment) for moment in others],
    }


def label_results(transaction_ids: Sequence[str], outcomes: Sequence[LabelOutcome]) -> Body:
    """Return the body of 200 for POST /api/v1/labels: what became of each label, in the order of the request."""
    pairs = zip(transaction_ids, outcomes, strict=True)
    return {"results": [{"transaction_id": name, "outcome": outcome} for name, outcome in pairs]}


def _verdict(decision: Decision) -> Body:
    fraud = Decimal(str(np.float32(decision.score)))
    return {
        "classification": decision.classification,
        "fraud_score": float(fraud),
        "confidence": decision.confidence,
        "details": {
            "legitimate_probability": float(1 - fraud),
            "fraud_probability": float(fraud),
            "risk_level": decision.risk_level,
        },
    }


def _reasons(decision: Decision, reason_text: ReasonText) -> list[Mapping[str, Any]]:
    return [{**reason._asdict(), "text": _told(reason, reason_text)} for reason in decision.reasons or ()]


def _told(reason: Reason, reason_text: ReasonText) -> str:
    try:
        return reason_text(reason.code, reason.value)
    except KeyError:
        return reason.code
