"""What a hostile event is made of: a good event as the start, a recipe that spoils it, and the verdict to be expected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from schemas.dead_letter import RefusalReason
from schemas.timestamps import format_timestamp

Event = dict[str, Any]


class Recipe(NamedTuple):
    """A kind of event: how it is made from a good one, why it must be refused (None: it is legal), and every field at fault."""

    kind: str
    make: Callable[[Event], bytes]
    reason: RefusalReason | None
    fields: tuple[str, ...] = ()


def good_event(transaction_id: str, now: datetime) -> Event:
    """Return a valid event with every field there is."""
    return {
        "transaction_id": transaction_id,
        "timestamp": format_timestamp(now),
        "user_id": f"user-of-{transaction_id}",
        "amount": 42.5,
        "currency": "EUR",
        "merchant_id": "m-00042",
        "merchant_category": "grocery",
        "channel": "online",
        "location": {"country": "DE", "state": "BE", "city": "Berlin", "latitude": 52.52, "longitude": 13.405},
        "device_info": {"device_type": "mobile", "device_id": "dev-0123456789ab", "ip_address": "192.0.2.7"},
        "card_id": "tok_0123456789abcdef",
        "hour": 13,
        "day_of_week": 2,
        "previous_transactions_count": 17,
        "metadata": {"app_version": "4.2.0"},
    }


def encode(event: Event) -> bytes:
    """Return the event as JSON; `msgspec.Raw` inside it stands as it is, whether it is JSON or not."""
    return msgspec.json.encode(event)


def with_literal(path: str, literal: bytes) -> Callable[[Event], bytes]:
    """Return what puts a JSON literal, legal or not, at the dotted `path` of an event."""

    def make(event: Event) -> bytes:
        parent, _, name = path.rpartition(".")
        (event[parent] if parent else event)[name] = msgspec.Raw(literal)
        return encode(event)

    return make


def without(name: str) -> Callable[[Event], bytes]:
    """Return what takes a field out of an event."""
    return lambda event: encode({key: value for key, value in event.items() if key != name})


def text(value: str) -> bytes:
    """Return `value` as a JSON literal."""
    return msgspec.json.encode(value)
