"""The examples of the OpenAPI page. A test sends every request and holds every answer against its model."""

from __future__ import annotations

from typing import Any

MINIMAL_EXAMPLE: dict[str, Any] = {
    "amount": 150.00,
    "hour": 14,
    "day_of_week": 2,
    "merchant_category": "electronics",
    "location": {
        "country": "US",
        "state": "CA",
        "city": "San Francisco",
        "latitude": 37.7749,
        "longitude": -122.4194,
    },
    "device_info": {"device_type": "mobile", "ip_address": "203.0.113.7"},
    "user_id": "user-12345",
    "previous_transactions_count": 42,
}
CLASSIFY_EXAMPLE: dict[str, Any] = {
    "transaction_id": "order-2026-000042",
    **MINIMAL_EXAMPLE,
    "currency": "USD",
    "merchant_id": "merchant-77",
    "channel": "online",
    "card_id": "tok_4f1d",
    "type": "purchase",
}
BATCH_EXAMPLE: dict[str, Any] = {
    "transactions": [CLASSIFY_EXAMPLE, {**MINIMAL_EXAMPLE, "transaction_id": "order-2026-000043"}]
}
LABELS_EXAMPLE: dict[str, Any] = {
    "labels": [{"transaction_id": "order-2026-000042", "is_fraud": True, "source": "chargeback"}]
}
REASON_EXAMPLE: dict[str, Any] = {
    "code": "AMOUNT_HIGH",
    "value": 150.0,
    "contribution": 0.41,
    "text": "The amount is higher than usual.",
}
_VERDICT: dict[str, Any] = {
    "classification": 1,
    "fraud_score": 0.875,
    "confidence": "high",
    "details": {"legitimate_probability": 0.125, "fraud_probability": 0.875, "risk_level": "critical"},
}
CLASSIFIED_EXAMPLE: dict[str, Any] = {
    "transaction_id": "order-2026-000042",
    **_VERDICT,
    "timestamp": "2026-03-01T12:00:00.123Z",
    "model_version": "2026-02-20.1",
    "reasons": [REASON_EXAMPLE],
    "duplicate": False,
}
PENDING_EXAMPLE: dict[str, Any] = {
    "status": "pending",
    "transaction_id": "order-2026-000042",
    "event_time": "2026-03-01T12:00:00.000Z",
    "location": "/api/v1/transactions/order-2026-000042?timestamp=2026-03-01T12%3A00%3A00.000Z",
}
BATCH_ANSWER_EXAMPLE: dict[str, Any] = {
    "results": [
        {"index": 0, "status": 200, "body": CLASSIFIED_EXAMPLE},
        {"index": 1, "status": 202, "body": {**PENDING_EXAMPLE, "transaction_id": "order-2026-000043"}},
    ]
}
TRANSACTION_EXAMPLE: dict[str, Any] = {
    "status": "decided",
    "transaction_id": "order-2026-000042",
    **_VERDICT,
    "reasons": [REASON_EXAMPLE],
    "versions": {"model": "2026-02-20.1", "policy": "default-1", "feature_set": "event/1"},
    "times": {
        "event": "2026-03-01T12:00:00.000Z",
        "arrival": "2026-03-01T12:00:00.031Z",
        "received": "2026-03-01T12:00:00.110Z",
        "scored": "2026-03-01T12:00:00.123Z",
    },
    "others": [],
}
LABELLED_EXAMPLE: dict[str, Any] = {"results": [{"transaction_id": "order-2026-000042", "outcome": "stored"}]}
ERROR_EXAMPLE: dict[str, Any] = {
    "error": {
        "code": "VALIDATION_ERROR",
        "message": "The request is not valid: see details for each field",
        "details": {"amount": "must be positive number", "location.latitude": "must be between -90 and 90"},
    }
}
