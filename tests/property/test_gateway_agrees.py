"""The contract beside the stream: what the door lets in, the stream reads, with the values that were sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from producers.gateway.problems import Refused
from producers.gateway.reading import Composed, read_request, with_identity
from schemas.decode import Unknown, decode_by_model
from tests.gateway_builders import a_document
from tests.property.raw_json import RawNumber, json_text

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBERS = st.one_of(
    st.integers(-5, 30),
    st.floats(-200, 200),
    st.sampled_from(["1e2", "0.10", "1E-2", "1e400", "-0", "3.0", "9999999999999999.99", "1e-99999999999"]).map(
        RawNumber
    ),
    st.decimals(0, 10**16, places=2).map(lambda number: RawNumber(str(number))),
)
VALUES = st.one_of(
    NUMBERS, st.text(max_size=70), st.none(), st.booleans(), st.just({}), st.just([]), st.just("4111111111111111")
)
PATHS = st.sampled_from([
    "amount", "hour", "day_of_week", "merchant_category", "location", "location__latitude", "location__city",
    "device_info", "device_info__ip_address", "user_id", "previous_transactions_count", "transaction_id", "timestamp",
    "merchant_id", "type", "currency", "channel", "card_id", "metadata", "something",
])  # fmt: skip


def changed(changes: dict[str, Any]) -> str:
    outer = {path: value for path, value in changes.items() if "__" not in path}
    inner = {path: value for path, value in changes.items() if path.split("__")[0] not in outer}
    return json_text(a_document(**inner, **{path: value for path, value in outer.items() if path not in inner}))


def read(body: bytes) -> Composed | Refused:
    try:
        return read_request(body, NOW, lambda: "gw-1")
    except Refused as refusal:
        return refusal


def is_told(refusal: Refused) -> bool:
    """Whether the client can be told, with a text per field."""
    sent = json.dumps(refusal.body, ensure_ascii=False).encode()
    return refusal.code == "VALIDATION_ERROR" and bool(refusal.details) and len(sent) < 5_000


@given(st.dictionaries(PATHS, VALUES, max_size=3))
def test_what_the_door_lets_in_the_stream_reads_alike(changes: dict[str, Any]) -> None:
    body = changed(changes)
    composed = read(body.encode())
    if isinstance(composed, Refused):
        assert is_told(composed)
        return
    assert decode_by_model(composed.data, Unknown()) == composed.transaction
    assert composed.transaction.amount == Decimal(json.loads(body, parse_float=Decimal)["amount"]) > 0
    later = with_identity(composed, NOW.replace(hour=13))
    assert later.transaction == composed.transaction._replace(event_time=NOW.replace(hour=13))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_answered_with_texts(body: bytes) -> None:
    refusal = read(body)
    assert isinstance(refusal, Refused)
    assert is_told(refusal)
