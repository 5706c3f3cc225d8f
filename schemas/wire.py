"""What msgspec reads of a record, checked as far as msgspec does it at no cost. Apart, because only the decoder deals with it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.transaction import MAX_EVENT_BYTES, MAX_NESTING

_BACKSLASH = ord("\\")
_SHORT_BYTES = 1024
"""No record so short nests deeper than Python's own parser can follow."""
_NO_METADATA = msgspec.Raw(b"null")
_METADATA_STARTS = frozenset(b"{n")

_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_Text128 = Annotated[str, Meta(max_length=128)]
_Text64 = Annotated[str, Meta(max_length=64)]
_Text45 = Annotated[str, Meta(max_length=45)]
_Text32 = Annotated[str, Meta(max_length=32)]
_Text3 = Annotated[str, Meta(min_length=3, max_length=3)]


class Place(msgspec.Struct, frozen=True, gc=False):
    """The event's `location`."""

    country: _Text64 | None = None
    state: _Text64 | None = None
    city: _Text64 | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None


class Device(msgspec.Struct, frozen=True, gc=False):
    """The event's `device_info`."""

    device_type: _Text32 | None = None
    device_id: _Text128 | None = None
    ip_address: _Text45 | None = None


class Wire(msgspec.Struct, frozen=True, gc=False):
    """An event with fields that the schema does not know. Not checked yet: timestamp, amount, the letters of the currency, card_id."""

    transaction_id: _Id
    timestamp: str
    user_id: _Id
    amount: msgspec.Raw
    currency: _Text3 | None = None
    merchant_id: _Text128 | None = None
    merchant_category: _Text64 | None = None
    channel: _Text32 | None = None
    location: Place | None = None
    device_info: Device | None = None
    card_id: _Text128 | None = None
    hour: Annotated[int, Meta(ge=0, le=23)] | None = None
    day_of_week: Annotated[int, Meta(ge=0, le=6)] | None = None
    previous_transactions_count: Annotated[int, Meta(ge=0, le=2_147_483_647)] | None = None
    metadata: msgspec.Raw = _NO_METADATA


class _StrictPlace(Place, frozen=True, forbid_unknown_fields=True, gc=False): ...


class _StrictDevice(Device, frozen=True, forbid_unknown_fields=True, gc=False): ...


class StrictWire(Wire, frozen=True, forbid_unknown_fields=True, gc=False):
    """An event of known fields only. Not checked yet is what `Wire` names."""

    location: _StrictPlace | None = None
    device_info: _StrictDevice | None = None


_read_strict = msgspec.json.Decoder(StrictWire).decode
_read_lenient = msgspec.json.Decoder(Wire).decode


def read_wire(data: bytes) -> Wire:
    """Return the event. Raises ValueError or RecursionError where the model has to judge, and sometimes where it need not.

    Metadata and unknown fields are skipped, held against nothing but JSON's grammar; what else is asked of them is asked here.
    """
    if len(data) > MAX_EVENT_BYTES or (_BACKSLASH in data and b"\\u0000" in data):
        raise ValueError
    if not data.isascii():
        data.decode()
    try:
        wire = _read_strict(data)
    except msgspec.ValidationError:
        return _with_moderate_nesting(data, _read_lenient(data))
    if wire.metadata is _NO_METADATA and len(data) <= _SHORT_BYTES:
        return wire
    return _with_moderate_nesting(data, wire)


def _with_moderate_nesting(data: bytes, wire: Wire) -> Wire:
    if data.count(b"{") + data.count(b"[") > MAX_NESTING or bytes(wire.metadata)[0] not in _METADATA_STARTS:
        raise ValueError
    return wire
