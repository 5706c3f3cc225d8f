"""What clients are answered, held against the contract's models."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from producers.gateway import answers
from producers.gateway.problems import STATUSES, BadRequest, Refused, problem
from producers.gateway.responses import (
    BatchResponse,
    ClassifyResponse,
    ErrorResponse,
    LabelResponse,
    PendingResponse,
    TransactionResponse,
)
from schemas.decision import Decision, Reason
from tests.builders import NOW, PLAIN_DECISION

ALARMING = PLAIN_DECISION._replace(
    score=float(np.float32(0.9)),
    classification=1,
    risk_level="critical",
    reasons=(Reason("AMOUNT", 150.0, 0.5), Reason("FIRST", None, 0.25)),
)


def told(code: str, value: float | None) -> str:
    return {"AMOUNT": f"the amount is {value}"}[code]


def classified(decision: Decision, *, is_duplicate: bool = False) -> dict[str, Any]:
    return answers.classification(decision, told, is_duplicate=is_duplicate)


def test_a_decision_is_answered_as_the_contract_has_it() -> None:
    assert classified(ALARMING, is_duplicate=True) == {
        "transaction_id": "t-1",
        "classification": 1,
        "fraud_score": 0.9,
        "confidence": "high",
        "details": {"legitimate_probability": 0.1, "fraud_probability": 0.9, "risk_level": "critical"},
        "timestamp": "2026-08-12T10:30:00.253Z",
        "model_version": "model-1",
        "reasons": [
            {"code": "AMOUNT", "value": 150.0, "contribution": 0.5, "text": "the amount is 150.0"},
            {"code": "FIRST", "value": None, "contribution": 0.25, "text": "FIRST"},
        ],
        "duplicate": True,
    }


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (classified(ALARMING), ClassifyResponse),
        (classified(PLAIN_DECISION), ClassifyResponse),
        (answers.pending("t/1", NOW), PendingResponse),
        (answers.transaction(ALARMING, told, [NOW]), TransactionResponse),
        (answers.batch([answers.batch_item(0, 200, classified(ALARMING))]), BatchResponse),
        (answers.batch([answers.batch_item(0, 202, answers.pending("t", NOW))]), BatchResponse),
        (answers.batch([answers.batch_item(0, 400, BadRequest({"a": "b"}).body)]), BatchResponse),
        (answers.label_results(["t-1"], ["ambiguous"]), LabelResponse),
        (BadRequest({"amount": "is required"}).body, ErrorResponse),
    ],
)
def test_every_answer_fits_its_model(body: dict[str, Any], model: type[BaseModel]) -> None:
    assert model.model_validate(body).model_dump() == body


@given(st.floats(0, 1, width=32) | st.floats(0, float(np.float32(1e-4)), width=32))
def test_the_two_probabilities_sum_to_one_as_printed_and_as_doubles(score: float) -> None:
    body = classified(PLAIN_DECISION._replace(score=score))
    printed = json.loads(json.dumps(body["details"]), parse_float=Decimal)
    fraud, legitimate = printed["fraud_probability"], printed["legitimate_probability"]
    assert body["details"]["fraud_probability"] + body["details"]["legitimate_probability"] == 1.0
    assert fraud + legitimate == 1 or fraud < Decimal("1e-7")
    assert np.float32(body["fraud_score"]) == np.float32(score)


def test_a_transaction_tells_its_versions_times_and_namesakes() -> None:
    body = answers.transaction(PLAIN_DECISION, told, [NOW])
    assert body["versions"] == {"model": "model-1", "policy": "policy-1", "feature_set": "event/1"}
    assert body["times"] == {
        "event": "2026-08-12T10:30:00.000Z",
        "arrival": "2026-08-12T10:30:00.000Z",
        "received": "2026-08-12T10:30:00.250Z",
        "scored": "2026-08-12T10:30:00.253Z",
    }
    assert body["others"] == ["2026-08-12T10:30:00.000Z"]


@pytest.mark.parametrize("name", ["t-1", "a/b", "a b?c#d%e", "ä\N{GRINNING FACE}"])
def test_any_id_survives_in_its_location(name: str) -> None:
    path, _, query = answers.location(name, NOW).partition("?")
    assert path.isascii()
    assert unquote(path.removeprefix("/api/v1/transactions/")) == name
    assert "/" not in path.removeprefix("/api/v1/transactions/")
    assert query == "timestamp=2026-08-12T10%3A30%3A00.000Z"


def test_every_code_has_its_status() -> None:
    assert STATUSES["VALIDATION_ERROR"] == 400
    assert STATUSES["RATE_LIMITED"] == 429
    assert sorted(STATUSES.values()) == [400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503]


def test_a_refusal_has_one_shape() -> None:
    refused = Refused("RATE_LIMITED", "Too many requests", {"a": "b"}, retry_after_s=1.5)
    assert refused.body == {"error": {"code": "RATE_LIMITED", "message": "Too many requests", "details": {"a": "b"}}}
    assert refused.body == problem("RATE_LIMITED", "Too many requests", {"a": "b"})
    assert (refused.status, refused.retry_after_s, str(refused)) == (429, 1.5, "Too many requests")
    assert problem("NOT_FOUND", "x")["error"]["details"] == {}
