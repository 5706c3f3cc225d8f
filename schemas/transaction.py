"""The transaction event: the pydantic model is the schema of record, `Transaction` the flat value that the system works on."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.card_numbers import is_card_number
from schemas.content import content_hash
from schemas.position import StreamRecord
from schemas.timestamps import TIMESTAMP_PATTERN, TimestampError, parse_timestamp

EVENT_SCHEMA = "transaction-event/1"
MAX_EVENT_BYTES = 65_536
MAX_NESTING = 32
MAX_AMOUNT = Decimal("9999999999999999.99")
CENT = Decimal("0.01")


class JsonNumber(float):
    """A JSON number that keeps its own text, so that money never passes through binary floating point."""

    text: str

    def __new__(cls, text: str) -> Self:
        """Make it from the number's JSON text."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def parse_amount(value: Decimal) -> Decimal:
    """Return `value` with exactly two decimals; ValueError unless 0 <= value < 10^16 with at most two decimals."""
    if not value.is_finite() or not 0 <= value <= MAX_AMOUNT:
        raise ValueError("must be between 0 and 9999999999999999.99")
    cents = value.quantize(CENT)
    if cents != value:
        raise ValueError("must have at most two decimals")
    return abs(cents)


_MAX_CHARACTERS = len("9999999999999999.9")
"""Whatever has a point before its last or last but one digit and is no longer, is less than 10^16."""


def amount_of(number: str) -> Decimal:
    """Return `parse_amount(Decimal(number))` of a JSON number's text, at once where it is spelled as money mostly is."""
    if number[0] != "-" and len(number) <= _MAX_CHARACTERS:
        if number[-3:-2] == ".":
            return Decimal(number)
        if number[-2:-1] == ".":
            return Decimal(number + "0")
    return parse_amount(Decimal(number))


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | JsonNumber | Decimal):
        raise PydanticCustomError("amount_type", "must be a JSON number")
    try:
        return parse_amount(Decimal(value.text if isinstance(value, JsonNumber) else value))
    except ArithmeticError:
        raise PydanticCustomError("amount_range", "must be between 0 and 9999999999999999.99") from None


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError("timestamp_type", "must be a string: an RFC 3339 date and time with an offset")
    try:
        return parse_timestamp(value)
    except TimestampError as error:
        raise PydanticCustomError("timestamp", "{why}", {"why": str(error)}) from None


def _plain_float(value: Any) -> Any:
    return float(value) if isinstance(value, JsonNumber) else value


def _whole_number(value: Any) -> Any:
    """Return a JSON number such as 3.0 as the integer it is: JSON has no other kind, and pandas writes integers so."""
    try:
        is_whole = isinstance(value, JsonNumber) and value.is_integer() and Decimal(value.text) == value
    except ArithmeticError:  # an exponent beyond what Decimal can hold
        return value
    return int(value) if is_whole else value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("nul", "must not contain U+0000, which PostgreSQL cannot store")
    return value


def _no_card_number(value: str) -> str:
    if is_card_number(value):
        raise PydanticCustomError("looks_like_card_number", "looks like a card number: send a token instead")
    return value


Id = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_no_nul)]
Text128 = Annotated[str, Field(max_length=128), AfterValidator(_no_nul)]
Text64 = Annotated[str, Field(max_length=64), AfterValidator(_no_nul)]
Text45 = Annotated[str, Field(max_length=45), AfterValidator(_no_nul)]
Text32 = Annotated[str, Field(max_length=32), AfterValidator(_no_nul)]
Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": 10**16}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{TIMESTAMP_PATTERN}$"}),
]
# The bounds come first: behind a BeforeValidator pydantic would not export them as minimum and maximum.
Latitude = Annotated[float, Field(ge=-90, le=90), BeforeValidator(_plain_float)]
Longitude = Annotated[float, Field(ge=-180, le=180), BeforeValidator(_plain_float)]
Hour = Annotated[int, Field(ge=0, le=23), BeforeValidator(_whole_number)]
Weekday = Annotated[int, Field(ge=0, le=6), BeforeValidator(_whole_number)]
Count = Annotated[int, Field(ge=0, le=2_147_483_647), BeforeValidator(_whole_number)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
CardToken = Annotated[Text128, AfterValidator(_no_card_number)]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class Location(_Model):
    """Where the transaction was made."""

    country: Text64 | None = Field(default=None, description="country, ISO 3166 alpha-2 where known")
    state: Text64 | None = None
    city: Text64 | None = None
    latitude: Latitude | None = Field(default=None, description="degrees north")
    longitude: Longitude | None = Field(default=None, description="degrees east")


class DeviceInfo(_Model):
    """The device it was made with."""

    device_type: Text32 | None = None
    device_id: Text128 | None = None
    ip_address: Text45 | None = Field(default=None, description="IPv4 or IPv6")


class TransactionEvent(_Model):
    """One transaction, as upstream systems publish it. Unknown fields are accepted, counted and ignored.

    What JSON Schema cannot say and is required too: a record is one JSON object in UTF-8 without a byte order mark, of at most 65536
    bytes, nested at most 32 levels deep, unknown fields and metadata included. NaN and Infinity are not JSON. Texts, but for those
    inside metadata, hold neither U+0000 nor lone surrogates.
    """

    transaction_id: Id = Field(description="the sender's id; with the timestamp it identifies the event")
    timestamp: Moment = Field(
        description="event time, RFC 3339 with an offset, near the arrival in the stream; no leap second, at most nine fractional "
        "digits, a day that exists, and in UTC within the years 1 to 9999; kept in UTC, truncated to milliseconds"
    )
    user_id: Id = Field(description="the customer; use it as the partition key")
    amount: Amount = Field(
        description="in units of the currency, less than 10^16, at most two decimals (12.50 and 1.25e1 are the same); 0 is a card "
        "check. It is read as decimal text: validators that use binary floating point see amounts from 9999999999999999 as 10^16"
    )
    currency: Currency | None = Field(default=None, description="ISO 4217")
    merchant_id: Text128 | None = None
    merchant_category: Text64 | None = None
    channel: Text32 | None = None
    location: Location | None = None
    device_info: DeviceInfo | None = None
    card_id: CardToken | None = Field(
        default=None,
        description="a token; what looks like a card number is refused: 13 to 19 digits, spaces or dashes between them, that pass "
        "Luhn's check",
    )
    hour: Hour | None = Field(default=None, description="the customer's local hour")
    day_of_week: Weekday | None = Field(default=None, description="the customer's local weekday, Monday = 0")
    previous_transactions_count: Count | None = Field(default=None, description="the customer's earlier transactions")
    metadata: dict[str, Any] | None = Field(
        default=None, description="free; neither stored nor part of the event's content"
    )


class Transaction(NamedTuple):
    """A valid event, flat, in the order of the columns (schemas.lake); equal whichever decoder made it.

    `content_hash` covers everything but the identity, so that a resend with other content can be told from a repetition.
    """

    transaction_id: str
    event_time: datetime
    user_id: str
    amount: Decimal
    currency: str | None
    merchant_id: str | None
    merchant_category: str | None
    channel: str | None
    location_country: str | None
    location_state: str | None
    location_city: str | None
    location_latitude: float | None
    location_longitude: float | None
    device_type: str | None
    device_id: str | None
    ip_address: str | None
    card_id: str | None
    local_hour: int
    local_weekday: int
    previous_transactions_count: int | None
    content_hash: bytes


class Received(NamedTuple):
    """A readable record: the transaction and the delivery it came with."""

    transaction: Transaction
    record: StreamRecord


def flatten(event: TransactionEvent) -> Transaction:
    """Return the flat transaction of a validated event."""
    place, device = event.location or Location(), event.device_info or DeviceInfo()
    moment = event.timestamp
    content = (
        event.user_id, event.amount, event.currency, event.merchant_id, event.merchant_category, event.channel,
        place.country, place.state, place.city, place.latitude, place.longitude,
        device.device_type, device.device_id, device.ip_address, event.card_id,
        moment.hour if event.hour is None else event.hour,
        moment.weekday() if event.day_of_week is None else event.day_of_week,
        event.previous_transactions_count,
    )  # fmt: skip
    return Transaction(event.transaction_id, moment, *content, content_hash(content))
