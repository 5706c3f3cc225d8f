"""The requests of the HTTP contract. These models are both what OpenAPI shows and what bodies are held against: one truth.

What they accept, the stream accepts too (a property test), but for events that became too large on the way.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from producers.gateway.examples import BATCH_EXAMPLE, CLASSIFY_EXAMPLE, LABELS_EXAMPLE, MINIMAL_EXAMPLE
from schemas.transaction import (
    Amount,
    CardToken,
    Count,
    Currency,
    Hour,
    Id,
    JsonNumber,
    Latitude,
    Longitude,
    Moment,
    Text32,
    Text45,
    Text64,
    Text128,
    Weekday,
)

MAX_BATCH = 500
"""Requests, or labels, in one body."""


def _positive(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | JsonNumber) or value <= 0:
        raise PydanticCustomError("amount_positive", "must be positive number")
    return value


PositiveAmount = Annotated[
    Amount,
    BeforeValidator(_positive),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**16}),
]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class RequestLocation(_Request):
    """Where the transaction was made."""

    country: Text64 = Field(description="ISO 3166 alpha-2 where known")
    state: Text64
    city: Text64
    latitude: Latitude = Field(description="degrees north")
    longitude: Longitude = Field(description="degrees east")


class RequestDevice(_Request):
    """The device it was made with."""

    device_type: Text32
    ip_address: Text45 = Field(description="IPv4 or IPv6")
    device_id: Text128 | None = None


class ClassifyRequest(_Request):
    """One transaction to decide on: the stream's event with more of it required. Unknown fields go with the event and are ignored.

    What JSON Schema cannot say and is required too: one JSON object in UTF-8 without a byte order mark, of at most 65536 bytes, nested at
    most 32 levels deep, in which no object gives a name twice; texts without U+0000 and lone surrogates; amounts with at most two
    decimals; timestamps between 7 days ago and in 5 minutes, less 5 minutes and 1 minute for the way.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [CLASSIFY_EXAMPLE, MINIMAL_EXAMPLE]})

    amount: PositiveAmount = Field(description="in units of the currency, at most two decimals")
    hour: Hour = Field(description="the customer's local hour")
    day_of_week: Weekday = Field(description="the customer's local weekday, Monday = 0")
    merchant_category: Text64
    location: RequestLocation
    device_info: RequestDevice
    user_id: Id = Field(description="the customer")
    previous_transactions_count: Count = Field(description="the customer's earlier transactions")
    transaction_id: Id | None = Field(
        default=None,
        description="your id, the same in every retry: it makes a retry safe. One is made up where there is none",
    )
    timestamp: Moment | None = Field(
        default=None,
        description="event time, RFC 3339 with an offset, truncated to milliseconds; now where there is none",
    )
    merchant_id: Text128 | None = None
    type: Text64 | None = Field(
        default=None, description="kept in metadata.type where that is free; not part of the content, not scored"
    )
    currency: Currency | None = Field(default=None, description="ISO 4217")
    channel: Text32 | None = Field(default=None, description="such as card_present, online, atm")
    card_id: CardToken | None = Field(default=None, description="a token; what looks like a card number is refused")
    metadata: dict[str, Any] | None = Field(
        default=None, description="free; neither stored nor part of the event's content"
    )


class BatchRequest(_Request):
    """Up to 500 requests. Each has its own result; one that is refused does not hold up the others."""

    model_config = ConfigDict(json_schema_extra={"examples": [BATCH_EXAMPLE]})

    transactions: Annotated[list[ClassifyRequest | Any], Field(min_length=1, max_length=MAX_BATCH)] = Field(
        description="each as in POST /api/v1/classify; anything else gets its own result with status 400"
    )


class LabelReport(_Request):
    """What somebody found out of a transaction. The first report of each source wins."""

    transaction_id: Id
    timestamp: Moment | None = Field(
        default=None, description="the event's time; needed only where several events have this id"
    )
    is_fraud: bool
    source: Annotated[Text32, Field(min_length=1)] = Field(
        description="who says so, such as chargeback, analyst or customer"
    )
    reported_at: Moment | None = Field(default=None, description="when the source said so; now where it is left out")


class LabelRequest(_Request):
    """Up to 500 reports, taken all or none: a bad one is named by its place, such as labels.3.source."""

    model_config = ConfigDict(json_schema_extra={"examples": [LABELS_EXAMPLE]})

    labels: Annotated[list[LabelReport], Field(min_length=1, max_length=MAX_BATCH)]
