"""Requests of the gateway's contract, made of simulated events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_PLACE = {"country": "US", "state": "WA", "city": "Seattle", "latitude": 47.6, "longitude": -122.3}
_DEVICE = {"device_type": "terminal", "ip_address": "192.0.2.1"}
_LEAST_AMOUNT = 0.01


def request_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request whose event this is. It tells no time: it happens when it is asked. What the contract requires is there."""
    moment = datetime.fromisoformat(event["timestamp"])
    clock = {"hour": moment.hour, "day_of_week": moment.weekday()}
    given = {name: value for name, value in event.items() if value is not None and name != "timestamp"}
    return {
        "merchant_category": "other",
        "previous_transactions_count": 0,
        **clock,
        **given,
        "amount": event["amount"] or _LEAST_AMOUNT,
        "location": _PLACE | _given(event.get("location")),
        "device_info": _DEVICE | _given(event.get("device_info")),
    }


def _given(part: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (part or {}).items() if value is not None}
