"""An alert as it travels: its JSON document and the attributes that subscriptions filter on. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from schemas.alert import Alert

_SNS_NUMBER_BOUND = 1e9
_SNS_NUMBER_DECIMALS = 5
_UNSENDABLE = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), 0xFFFE, 0xFFFF) if chr(code) not in "\t\n\r"
}


def payload_of(alert: Alert) -> str:
    """Return the alert as a JSON document in ASCII: SNS and SQS refuse some characters, but no escape."""
    return json.dumps(alert.model_dump(mode="json", by_alias=True), separators=(",", ":"))


def attributes_of(alert: Alert) -> Mapping[str, str | float]:
    """Return the attributes of columns.md: text as str, numbers as float; what is absent or empty is left out (SNS refuses it).

    Numbers keep to what SNS filters can compare, five decimals and at most 10^9 (a larger amount counts as 10^9): the document has
    the exact ones.
    """
    texts = {
        "schema": alert.schema_version,
        "severity": alert.severity,
        "rule": alert.rule,
        "country": alert.country,
        "merchant_category": alert.merchant_category,
        "model_version": alert.model_version,
    }
    numbers = {"amount": float(alert.amount), "score": alert.score}
    sendable = {name: text.translate(_UNSENDABLE) for name, text in texts.items() if text}
    return sendable | {name: _bounded(number) for name, number in numbers.items()}


def _bounded(number: float) -> float:
    return round(min(number, _SNS_NUMBER_BOUND), _SNS_NUMBER_DECIMALS)
