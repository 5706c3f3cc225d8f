"""What msgspec accepts, the schema of record accepts, with equal values: otherwise a verdict would depend on the code path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.decode import InvalidRecord, Unknown, decode_by_model, decode_fast
from tests.property.raw_json import RawNumber, json_text

_TEXT = st.one_of(
    st.text(max_size=8), st.sampled_from(["", "\0", "x" * 128, "x" * 129, "é" * 64, "EUR", "EUR\n", "4111111111111111"])
)
_NUMBERS = st.one_of(
    st.integers(-3, 2**70),
    st.floats(),
    st.decimals(0, 10**17, places=2).map(lambda d: RawNumber(str(d))),
    st.sampled_from(
        ["1e2", "-0.0", "-0", "1e400", "1E-2", "0.10", "1.005", "9999999999999999.99", "1e17", "3.0", "2e1", "23.0"]
    ).map(RawNumber),
)
_TIMES = st.one_of(
    st.datetimes().map(lambda d: d.isoformat() + "Z"),
    st.sampled_from(
        [
            "2026-03-01T12:00:00.123456789Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01 12:00:00Z",
            "1772366400",
            "2026-W10-1T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
        ]
    ),
)
_ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXT, _TIMES),
    lambda c: st.one_of(st.lists(c, max_size=2), st.dictionaries(_TEXT, c, max_size=2)),
    max_leaves=4,
)


def _mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(good, good, good, _ANY)


_PLACE = st.fixed_dictionaries(
    {},
    optional={
        "country": _mostly(_TEXT),
        "latitude": _mostly(st.one_of(st.integers(-91, 91), st.floats(-91, 91))),
        "longitude": _mostly(_NUMBERS),
        "more": _ANY,
    },
)
_EVENTS = st.fixed_dictionaries(
    {
        "transaction_id": _mostly(st.just("t1")),
        "timestamp": _mostly(_TIMES),
        "user_id": _mostly(_TEXT),
        "amount": _mostly(_NUMBERS),
    },
    optional={
        "currency": _mostly(st.sampled_from(["EUR", "eur", "EUR\n", "EU", "ÄBC"])),
        "merchant_id": _mostly(_TEXT),
        "location": _mostly(_PLACE),
        "device_info": _mostly(st.fixed_dictionaries({}, optional={"ip_address": _mostly(_TEXT), "more": _ANY})),
        "card_id": _mostly(_TEXT),
        "hour": _mostly(st.one_of(st.integers(-1, 24), st.integers(-1, 24).map(float))),
        "day_of_week": _mostly(st.integers(-1, 7)),
        "previous_transactions_count": _mostly(_NUMBERS),
        "metadata": _mostly(st.dictionaries(_TEXT, _ANY, max_size=2)),
        "unknown": _ANY,
    },
)


def _agree(data: bytes) -> None:
    unknown_fast, unknown_model = Unknown(), Unknown()
    fast = decode_fast(data, unknown_fast)
    if fast is None:
        return
    try:
        assert repr(decode_by_model(data, unknown_model)) == repr(fast)
    except InvalidRecord as refusal:
        raise AssertionError(f"only msgspec accepts {data!r}: {refusal.errors}") from refusal
    assert unknown_fast == unknown_model


@settings(max_examples=1500, deadline=None)
@given(_EVENTS)
def test_the_fast_decoder_accepts_only_what_the_model_accepts_with_equal_values(event: dict[str, Any]) -> None:
    _agree(json_text(event).encode("utf-8", "surrogatepass"))


_VALID = (
    b'{"transaction_id":"t","timestamp":"2026-03-01T12:00:00.5Z","user_id":"u","amount":1.5,'
    b'"location":{"city":"K\\u00f6ln","latitude":50.9},"metadata":{"a":[1,null]},"x":[{"y":"z"}]}'
)


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(_VALID) - 1), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 3)
)
@example([(0, 0xEF)], 0)
def test_the_decoders_agree_on_damaged_bytes(damage: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(_VALID)
    for place, byte in damage:
        data[place] = byte
    _agree(bytes(data[: len(data) - cut]))
    _agree(bytes(data) + b" " * cut)


_REST = b'"transaction_id":"t","timestamp":"2026-03-01T12:00:00Z","user_id":"u","amount":1'


@pytest.mark.parametrize("name", [b"amount", b"metadata", b"location", b"more"])
@pytest.mark.parametrize(
    "first", [b'"\xff"', b'"\\ud800"', b"[" * 480 + b"]" * 480, b"[" * 9_000 + b"]" * 9_000, b"1e400", b"{}"]
)
@pytest.mark.parametrize("last", [b"null", b"{}", b'{"a":"\\ud800"}', b"1.5"])
def test_the_decoders_agree_on_keys_that_are_there_twice(name: bytes, first: bytes, last: bytes) -> None:
    _agree(b'{"%b":%b,%b,"%b":%b}' % (name, first, _REST, name, last))
    _agree(b'{"%b":%b,%b}' % (name, first, _REST))


@given(st.text(max_size=40))
def test_any_text_in_place_of_the_timestamp_gets_one_verdict(text: str) -> None:
    _agree(json.dumps({"transaction_id": "t", "timestamp": text, "user_id": "u", "amount": 1}).encode())
