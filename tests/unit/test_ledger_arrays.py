"""Columns as binary arrays: of few values or many, each element is what the driver itself makes of the value."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg.pq import Format
from psycopg.types.json import Jsonb

from schemas.decision import Reason
from sinks.ledger.arrays import (
    Packed,
    amounts_literal,
    pack_bytes,
    pack_doubles,
    pack_integers,
    pack_reasons,
    pack_texts,
    pack_times,
)

MANY = 50
"""So many values go through numpy and Arrow, or a table of texts."""
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MAX = 2**63 - 1


def elements(packed: Packed) -> list[bytes | None]:
    """Return the elements' bytes, as PostgreSQL's array_recv reads them."""
    dimensions, _, _, length, lower_bound = struct.unpack_from(">iiIii", packed)
    assert (dimensions, lower_bound) == (1, 1)
    found: list[bytes | None] = []
    at = 20
    while at < len(packed):
        (size,) = struct.unpack_from(">i", packed, at)
        found.append(None if size < 0 else packed[at + 4 : at + 4 + size])
        at += 4 + max(size, 0)
    assert len(found) == length
    return found


def by_the_driver(value: Any, type_name: str) -> bytes | None:
    if value is None:
        return None
    oid = psycopg.adapters.types[type_name].oid
    dumper = psycopg.adapters.get_dumper_by_oid(oid, Format.BINARY)(type(value))
    return bytes(dumper.dump(value) or b"")


COLUMNS: dict[str, tuple[Callable[[Sequence[Any]], Packed], st.SearchStrategy[Any]]] = {
    "text": (pack_texts, st.text(st.characters(exclude_categories=["Cs"]))),
    "bytea": (pack_bytes, st.binary()),
    "int8": (pack_integers, st.integers(-(2**63), MAX)),
    "float8": (pack_doubles, st.floats()),
    "timestamptz": (pack_times, st.datetimes(timezones=st.just(UTC))),
}


@pytest.mark.parametrize("type_name", COLUMNS)
@settings(deadline=None)
@given(data=st.data())
def test_elements_are_those_of_the_driver_however_many_there_are(type_name: str, data: st.DataObject) -> None:
    pack, values = COLUMNS[type_name]
    given_values = data.draw(st.lists(values | st.none() if data.draw(st.booleans()) else values, max_size=8))

    for column in (given_values, given_values * MANY):
        assert elements(pack(column)) == [by_the_driver(value, type_name) for value in column]


@pytest.mark.parametrize("rows", [1, MANY])
def test_the_ends_of_what_a_type_holds_are_exact(rows: int) -> None:
    assert (
        elements(pack_integers([MAX, -MAX - 1, 0] * rows))
        == [struct.pack(">q", number) for number in (MAX, -MAX - 1, 0)] * rows
    )
    microseconds = [
        (moment - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for moment in (FIRST, LAST)
    ]
    assert elements(pack_times([FIRST, LAST] * rows)) == [struct.pack(">q", number) for number in microseconds] * rows
    assert elements(pack_doubles([0.0, -0.0] * rows)) == [struct.pack(">d", number) for number in (0.0, -0.0)] * rows


@pytest.mark.parametrize("rows", [1, MANY])
@pytest.mark.parametrize("beyond", [2**63, -(2**63) - 1, 2**64])
def test_an_integer_beyond_64_bits_is_an_error_of_the_data_and_never_wraps(beyond: int, rows: int) -> None:
    with pytest.raises(psycopg.DataError):
        pack_integers([1] * rows + [beyond])


@pytest.mark.parametrize("rows", [1, MANY])
def test_a_lone_surrogate_is_no_text(rows: int) -> None:
    with pytest.raises(UnicodeEncodeError):
        pack_texts([*map(str, range(rows)), "a\ud800b"])


def test_reasons_are_the_documents_that_the_driver_makes() -> None:
    reasons = (Reason("a\0b \ud800 ü", None, 1e300), Reason("b", -0.0, 0.1))
    document = by_the_driver(Jsonb([reason._asdict() for reason in reasons]), "jsonb")

    assert elements(pack_reasons([reasons, None, ()])) == [document, None, b"\x01[]"]
    assert elements(pack_reasons([None] * MANY)) == [None] * MANY


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False)))
@example([Decimal("NaN"), Decimal("Infinity"), Decimal("1E16"), Decimal("-0.01"), Decimal("12.30")])
def test_amounts_are_written_as_python_writes_decimals(amounts: list[Decimal]) -> None:
    literal = amounts_literal(amounts)

    assert (literal[0], literal[-1]) == ("{", "}")
    written = literal[1:-1].split(",") if amounts else []
    assert [Decimal(text).as_tuple() for text in written] == [amount.as_tuple() for amount in amounts]


def test_no_amount_is_null() -> None:
    assert amounts_literal([Decimal("1.00"), None]) == "{1.00,NULL}"
