"""The decoder. msgspec reads what it can; whatever it refuses goes to the pydantic model, which alone gives verdicts and reasons.

A property test holds: what msgspec accepts, the model accepts, with equal values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from schemas.card_numbers import is_card_number
from schemas.content import content_hash
from schemas.dead_letter import FieldError, RefusalReason
from schemas.documents import is_deeper, parse_json
from schemas.timestamps import parse_timestamp
from schemas.transaction import (
    MAX_EVENT_BYTES,
    MAX_NESTING,
    Transaction,
    TransactionEvent,
    amount_of,
    flatten,
)
from schemas.wire import Device, Place, StrictWire, Wire, read_wire

_NUMBER_STARTS = frozenset("-0123456789")
_NO_PLACE, _NO_DEVICE = Place(), Device()
_new = tuple.__new__
"""Makes a NamedTuple at half the price of calling its class."""


class InvalidRecord(Exception):
    """The producer's fault: the record becomes a dead letter and is never retried."""

    def __init__(self, reason: RefusalReason, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(reason)
        self.reason: RefusalReason = reason
        self.errors = errors


@dataclass(frozen=True, slots=True)
class EventTimeBounds:
    """How far an event's time may lie from the arrival that Kinesis stored. Never measured against a clock: replays agree."""

    before: timedelta = timedelta(days=7)
    after: timedelta = timedelta(minutes=5)

    def check(self, event_time: datetime, arrival_time: datetime) -> None:
        """Raise InvalidRecord unless arrival - before <= event_time <= arrival + after. Bounds may be wider than the calendar."""
        lag = arrival_time - event_time
        if lag > self.before or -lag > self.after:
            lies = f"{span_of(lag)} before" if lag > timedelta(0) else f"{span_of(-lag)} after"
            allowed = f"{span_of(self.before)} before to {span_of(self.after)} after"
            message = f"lies {lies} the arrival; allowed are {allowed} it"
            raise InvalidRecord("event_time_out_of_bounds", (FieldError(field="timestamp", message=message),))


def span_of(delta: timedelta) -> str:
    """Return `delta` for people: whole days, or seconds."""
    return f"{delta.days} days" if delta.days else f"{delta.total_seconds():.0f} seconds"


@dataclass(slots=True)
class Unknown:
    """Counts events that carried fields which the schema does not know."""

    events: int = 0


def decode(data: bytes, unknown: Unknown) -> Transaction:
    """Return the transaction in `data` (one JSON object, UTF-8); count it in `unknown` if it has fields the schema does not know.

    Raises InvalidRecord with the reason and every field error.
    """
    transaction = decode_fast(data, unknown)
    return transaction if transaction is not None else decode_by_model(data, unknown)


def decode_fast(data: bytes, unknown: Unknown) -> Transaction | None:
    """Return the transaction, or None where the model has to judge. Never accepts what the model refuses."""
    try:
        wire = read_wire(data)
        transaction = _flatten_wire(wire)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    if transaction is not None and not isinstance(wire, StrictWire):
        unknown.events += 1
    return transaction


def _flatten_wire(wire: Wire) -> Transaction | None:
    amount, currency, card_id = str(wire.amount, "ascii"), wire.currency, wire.card_id
    if amount[0] not in _NUMBER_STARTS or (card_id is not None and is_card_number(card_id)):
        return None
    if currency is not None and not (currency.isascii() and currency.isalpha() and currency.isupper()):
        return None
    place, device = wire.location or _NO_PLACE, wire.device_info or _NO_DEVICE
    moment = parse_timestamp(wire.timestamp)
    content = (
        wire.user_id, amount_of(amount), currency, wire.merchant_id, wire.merchant_category, wire.channel,
        place.country, place.state, place.city, place.latitude, place.longitude,
        device.device_type, device.device_id, device.ip_address, card_id,
        moment.hour if wire.hour is None else wire.hour,
        moment.weekday() if wire.day_of_week is None else wire.day_of_week,
        wire.previous_transactions_count,
    )  # fmt: skip
    return _new(Transaction, (wire.transaction_id, moment, *content, content_hash(content)))


def decode_by_model(data: bytes, unknown: Unknown) -> Transaction:
    """Return the transaction by the schema of record alone. Raises InvalidRecord."""
    document = _read_json(data)
    try:
        event = TransactionEvent.model_validate(document)
    except ValidationError as refusal:
        raise _invalid_event(refusal) from None
    unknown.events += _has_unknown_fields(document)
    return flatten(event)


def _read_json(data: bytes) -> Any:
    if not data.strip():
        raise InvalidRecord("empty_record")
    if len(data) > MAX_EVENT_BYTES:
        raise InvalidRecord(
            "event_too_large", (_whole(f"is {len(data)} bytes long; at most {MAX_EVENT_BYTES} are allowed"),)
        )
    try:
        document = parse_json(data.decode())
    except UnicodeDecodeError as error:
        raise InvalidRecord("invalid_utf8", (_whole(f"invalid UTF-8 at byte {error.start}"),)) from None
    except json.JSONDecodeError as error:
        raise InvalidRecord("invalid_json", (_whole(f"{error.msg} at character {error.pos}"),)) from None
    except RecursionError:
        raise _too_deep() from None
    if is_deeper(document, MAX_NESTING):
        raise _too_deep()
    return document


def _too_deep() -> InvalidRecord:
    return InvalidRecord("nesting_too_deep", (_whole(f"nests objects or arrays deeper than {MAX_NESTING} levels"),))


def _whole(message: str) -> FieldError:
    return FieldError(field="", message=message)


def _invalid_event(refusal: ValidationError) -> InvalidRecord:
    found = refusal.errors(include_url=False, include_input=False, include_context=False)
    errors = tuple(
        FieldError(field=".".join(map(str, e["loc"])), message=e["msg"].removeprefix("Value error, ")) for e in found
    )
    is_card = any(e["type"] == "looks_like_card_number" for e in found)
    return InvalidRecord("looks_like_card_number" if is_card else "invalid_event", errors)


def _has_unknown_fields(document: dict[str, Any]) -> bool:
    nested = (("location", Place), ("device_info", Device))
    return not document.keys() <= set(Wire.__struct_fields__) or any(
        not (document.get(name) or {}).keys() <= set(struct.__struct_fields__) for name, struct in nested
    )
