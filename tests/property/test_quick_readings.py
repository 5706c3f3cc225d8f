"""What is read in a quick way is what its plain definition, written out here, says: same values, same refusals, same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.card_numbers import is_card_number
from schemas.content import content_hash
from schemas.timestamps import TIMESTAMP_PATTERN, parse_timestamp
from schemas.transaction import Transaction, amount_of, parse_amount

_NAMES = Transaction._fields[2:-1]
_ALWAYS_THERE = {"user_id", "amount", "local_hour", "local_weekday"}
_TEXT = st.one_of(st.text(max_size=9), st.sampled_from(["", "%s", "{}", "=", "None", "é", "\0currency=EUR"]))
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "amount": st.one_of(st.decimals(0, 10**16, places=2), st.decimals(allow_nan=False)),
    "location_latitude": st.one_of(st.floats(-90, 90), st.floats()),
    "location_longitude": st.one_of(st.floats(-180, 180).map(lambda degrees: round(degrees, 4)), st.floats()),
    "local_hour": st.integers(0, 23),
    "local_weekday": st.integers(0, 6),
    "previous_transactions_count": st.integers(0, 2**31),
}
_CONTENTS = st.tuples(
    *(
        _VALUES.get(name, _TEXT) if name in _ALWAYS_THERE else st.one_of(st.none(), _VALUES.get(name, _TEXT))
        for name in _NAMES
    )
)


def plain_content_hash(content: tuple[Any, ...]) -> bytes:
    text = "".join([f"{name}={value}\0" for name, value in zip(_NAMES, content, strict=True) if value is not None])
    return blake2b(text.encode(), digest_size=16).digest()


@settings(max_examples=500, deadline=None)
@given(_CONTENTS)
def test_the_hash_is_that_of_name_and_value_of_every_present_field(content: tuple[Any, ...]) -> None:
    assert content_hash(content) == plain_content_hash(content)


@pytest.mark.parametrize("absent", [name for name in _NAMES if name not in _ALWAYS_THERE])
def test_a_field_that_is_absent_leaves_no_trace_and_one_that_is_empty_does(absent: str) -> None:
    full = dict.fromkeys(_NAMES, "")
    without = tuple((full | {absent: None}).values())
    assert content_hash(without) == plain_content_hash(without) != content_hash(tuple(full.values()))


def plain_timestamp(text: str) -> datetime:
    match = re.fullmatch(TIMESTAMP_PATTERN, text)
    if match is None:
        raise ValueError
    day, time, fraction, offset = match.groups()
    millis = f".{fraction[:3]:0<3}" if fraction else ""
    return datetime.fromisoformat(f"{day}T{time}{millis}{'+00:00' if offset in 'Zz' else offset}").astimezone(UTC)


def _result(read: Callable[[str], object], text: str) -> str:
    with suppress(ValueError, ArithmeticError):
        return repr(read(text))
    return "refused"


_MOMENTS = st.from_regex(
    r"\A([0-9]{4}|20[0-9]{2})-([01][0-9])-([0-3][0-9])T([0-2][0-9]):([0-6][0-9]):([0-6][0-9])"
    r"(\.[0-9]{1,9}|\.[0-9]{3})?(Z|Z|z|[+-][0-2][0-9]:[0-5][0-9])\Z"
)
_DAMAGE = st.tuples(st.integers(0, 29), st.sampled_from([*"0129TtZzW-:.,+ \n/", "", "\u0661", "00", "\ud800"]))


@settings(max_examples=1500, deadline=None)
@given(_MOMENTS, st.one_of(st.none(), _DAMAGE))
@example("2026-03-01T24:00:00Z", None)
@example("2026-03-01T24:00:00.000Z", None)
@example("2026-02-29T12:00:00.000Z", None)
@example("0000-01-01T00:00:00.000Z", None)
@example("2026-W10-1T12:00:00.000Z", None)
@example("2026-03-01T12:00:00.000Z\n", None)
@example("2026-03-01T12:00:00,000Z", None)
def test_a_timestamp_is_read_as_the_pattern_has_it(text: str, damage: tuple[int, str] | None) -> None:
    if damage is not None:
        text = text[: damage[0]] + damage[1] + text[damage[0] + 1 :]
    assert _result(parse_timestamp, text) == _result(plain_timestamp, text)


_NUMBERS = st.one_of(
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?\Z"),
    st.from_regex(r"\A(0|[1-9][0-9]{0,3})\.[0-9]{1,2}\Z"),
)


@settings(max_examples=600, deadline=None)
@given(_NUMBERS)
@example("9999999999999999.99")
@example("9999999999999999.9")
@example("10000000000000000.0")
@example("99999999999999999.9")
@example("-0.0")
@example("-0.00")
@example("-1.5")
@example("0.0")
@example("1.5e1")
@example("1.5e")
def test_an_amount_is_read_as_decimal_text(number: str) -> None:
    assert _result(amount_of, number) == _result(lambda text: parse_amount(Decimal(text)), number)


def plain_is_card_number(text: str) -> bool:
    inner = text.strip(" \t\r\n")
    digits = [int(digit) for digit in inner if digit.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return bool(re.fullmatch(r"[0-9](?:[ -]?[0-9]){12,18}", inner)) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"\A[ \t\r\n\v]{0,2}[0-9]([ -]{0,1}[0-9]){10,20}[ \t\r\n\u00a0]{0,2}\Z"))
@example(" 4111 1111-11111111\r\n")
@example("4111111111111111\v")
@example("")
def test_a_card_number_is_told_by_its_digits_and_their_sum(text: str) -> None:
    assert is_card_number(text) == plain_is_card_number(text)
