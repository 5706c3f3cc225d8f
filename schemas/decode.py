"""The decoder. msgspec reads what it can; whatever it refuses goes to the pydantic model, which alone gives verdicts and reasons.

A property test holds: what msgspec accepts, the model accepts, with equal values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import Meta
from pydantic import ValidationError

from schemas.card_numbers import is_card_number
from schemas.dead_letter import FieldError, RefusalReason
from schemas.timestamps import parse_timestamp
from schemas.transaction import (
    MAX_EVENT_BYTES,
    MAX_NESTING,
    JsonNumber,
    Transaction,
    TransactionEvent,
    content_hash,
    flatten,
    parse_amount,
)

_MAX_DIGITS = 400
"""Longer integers become floats, so that no number costs more than its text."""
_NUMBER_STARTS = frozenset((b"-", *(b"%d" % digit for digit in range(10))))

_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_Text128 = Annotated[str, Meta(max_length=128)]
_Text64 = Annotated[str, Meta(max_length=64)]
_Text45 = Annotated[str, Meta(max_length=45)]
_Text32 = Annotated[str, Meta(max_length=32)]


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
            lies = f"{_span(lag)} before" if lag > timedelta(0) else f"{_span(-lag)} after"
            allowed = f"{_span(self.before)} before to {_span(self.after)} after"
            message = f"lies {lies} the arrival; allowed are {allowed} it"
            raise InvalidRecord("event_time_out_of_bounds", (FieldError(field="timestamp", message=message),))


def _span(delta: timedelta) -> str:
    return f"{delta.days} days" if delta.days else f"{delta.total_seconds():.0f} seconds"


@dataclass(slots=True)
class Unknown:
    """Counts events that carried fields which the schema does not know."""

    events: int = 0


class _Place(msgspec.Struct, frozen=True, gc=False):
    country: _Text64 | None = None
    state: _Text64 | None = None
    city: _Text64 | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None


class _Device(msgspec.Struct, frozen=True, gc=False):
    device_type: _Text32 | None = None
    device_id: _Text128 | None = None
    ip_address: _Text45 | None = None


class _Wire(msgspec.Struct, frozen=True):
    transaction_id: _Id
    timestamp: str
    user_id: _Id
    amount: msgspec.Raw
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")] | None = None
    merchant_id: _Text128 | None = None
    merchant_category: _Text64 | None = None
    channel: _Text32 | None = None
    location: _Place | None = None
    device_info: _Device | None = None
    card_id: _Text128 | None = None
    hour: Annotated[int, Meta(ge=0, le=23)] | None = None
    day_of_week: Annotated[int, Meta(ge=0, le=6)] | None = None
    previous_transactions_count: Annotated[int, Meta(ge=0, le=2_147_483_647)] | None = None
    metadata: dict[str, Any] | None = None


class _StrictPlace(_Place, frozen=True, forbid_unknown_fields=True, gc=False): ...


class _StrictDevice(_Device, frozen=True, forbid_unknown_fields=True, gc=False): ...


class _StrictWire(_Wire, frozen=True, forbid_unknown_fields=True):
    location: _StrictPlace | None = None
    device_info: _StrictDevice | None = None


_decode_strict = msgspec.json.Decoder(_StrictWire).decode
_decode_lenient = msgspec.json.Decoder(_Wire).decode
_NO_PLACE, _NO_DEVICE = _Place(), _Device()


def decode(data: bytes, unknown: Unknown) -> Transaction:
    """Return the transaction in `data` (one JSON object, UTF-8); count it in `unknown` if it has fields the schema does not know.

    Raises InvalidRecord with the reason and every field error.
    """
    transaction = decode_fast(data, unknown)
    return transaction if transaction is not None else decode_by_model(data, unknown)


def decode_fast(data: bytes, unknown: Unknown) -> Transaction | None:
    """Return the transaction, or None where the model has to judge. Never accepts what the model refuses."""
    if len(data) > MAX_EVENT_BYTES or data.count(b"{") + data.count(b"[") > MAX_NESTING:
        return None
    try:
        data.decode()
        wire, has_unknown = _parse(data)
        transaction = _flatten_wire(data, wire)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    unknown.events += has_unknown
    return transaction


def _parse(data: bytes) -> tuple[_Wire, bool]:
    try:
        return _decode_strict(data), False
    except msgspec.ValidationError:
        return _decode_lenient(data), True


def _flatten_wire(data: bytes, wire: _Wire) -> Transaction | None:
    amount = bytes(wire.amount)
    if b"\\u0000" in data or amount[:1] not in _NUMBER_STARTS or (wire.card_id and is_card_number(wire.card_id)):
        return None
    place, device = wire.location or _NO_PLACE, wire.device_info or _NO_DEVICE
    moment = parse_timestamp(wire.timestamp)
    content = (
        wire.user_id, parse_amount(Decimal(amount.decode())), wire.currency, wire.merchant_id, wire.merchant_category, wire.channel,
        place.country, place.state, place.city, place.latitude, place.longitude,
        device.device_type, device.device_id, device.ip_address, wire.card_id,
        moment.hour if wire.hour is None else wire.hour,
        moment.weekday() if wire.day_of_week is None else wire.day_of_week,
        wire.previous_transactions_count,
    )  # fmt: skip
    return Transaction(wire.transaction_id, moment, *content, content_hash(content))


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
        document = _parse_json(data.decode())
    except UnicodeDecodeError as error:
        raise InvalidRecord("invalid_utf8", (_whole(f"invalid UTF-8 at byte {error.start}"),)) from None
    except json.JSONDecodeError as error:
        raise InvalidRecord("invalid_json", (_whole(f"{error.msg} at character {error.pos}"),)) from None
    except RecursionError:
        raise _too_deep() from None
    if _is_deeper(document, MAX_NESTING):
        raise _too_deep()
    return document


def _parse_json(text: str) -> Any:
    return json.loads(text, parse_float=JsonNumber, parse_int=_parse_int, parse_constant=_refuse_constant)


def _parse_int(text: str) -> int | JsonNumber:
    return int(text) if len(text) <= _MAX_DIGITS else JsonNumber(text)


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def _is_deeper(document: Any, levels: int) -> bool:
    children = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return levels < 0 or any(_is_deeper(child, levels - 1) for child in children if isinstance(child, dict | list))


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
    nested = (("location", _Place), ("device_info", _Device))
    return not document.keys() <= set(_Wire.__struct_fields__) or any(
        not (document.get(name) or {}).keys() <= set(struct.__struct_fields__) for name, struct in nested
    )
