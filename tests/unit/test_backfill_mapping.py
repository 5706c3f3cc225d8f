"""Other people's columns: what a mapping may say, how it is told where it is wrong, and what becomes of values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consumer.backfill.errors import MappingError
from consumer.backfill.mapping import FIELDS, ColumnMapping, TimestampTerms, read_mapping
from consumer.backfill.values import as_number, as_text, moment_reader, rounded_to

_GOOD = '[columns]\ntransaction_id = "id"\ntimestamp = "at"\nuser_id = "who"\namount = "sum"\n'


def _read(tmp_path: Path, text: str) -> ColumnMapping:
    file = tmp_path / "map.toml"
    file.write_text(text)
    return read_mapping(file)


def test_a_dotted_key_is_a_field_with_or_without_quotes(tmp_path: Path) -> None:
    mapping = _read(tmp_path, f'{_GOOD}location.country = "c"\n"device_info.device_id" = "d"\n')
    assert (mapping.columns["location.country"], mapping.columns["device_info.device_id"]) == ("c", "d")


def test_every_field_of_the_event_can_be_mapped_but_metadata() -> None:
    assert "metadata" not in FIELDS
    assert {"location.latitude", "device_info.ip_address", "card_id", "hour"} <= set(FIELDS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f'{_GOOD}merchant = "m"\n',
            r"line 6: \[columns\] merchant: the event has no such field; it has .*merchant_id",
        ),
        ('[columns]\namount = "sum"\n', r"line 1: \[columns\] no column for transaction_id, timestamp, user_id"),
        (
            f'{_GOOD}[timestamp]\nformat = "%Y"\nunit = "s"\n',
            r"line 6: \[timestamp\] give `format` for texts or `unit`",
        ),
        (f'{_GOOD}[timestamp]\nunit = "h"\n', r"line 7: \[timestamp\] unit: "),
        (f'{_GOOD}[timestamp]\nzone = "Mars/Olympus"\n', r"line 7: \[timestamp\] zone: 'Mars/Olympus' is no time zone"),
        (f'{_GOOD}[timestamp]\nepoch = "1970"\n', r"line 7: \[timestamp\] epoch: Not an RFC 3339"),
        (f'{_GOOD}[label]\ncolumn = "f"\ndelay_day = 7\n', r"line 8: \[label\] delay_day: there is no such key"),
        (f'{_GOOD}[label]\ncolumn = "f"\ndelay_days = -1\n', r"line 8: \[label\] delay_days: "),
        (f"{_GOOD}[amount]\nround = 3\n", r"line 7: \[amount\] round: "),
        (f"{_GOOD}[constants]\namount = 3\n", r"\[constants\] amount: has a column already"),
        (f"{_GOOD}[colums]\n", r"\[colums\] there is no such section; there are columns, constants, .*label, csv$"),
        ("is_given = false\n", "is_given: no such section"),
        ("[columns\n", r"map\.toml: .*line 1"),
    ],
)
def test_a_wrong_mapping_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(MappingError, match=told):
        _read(tmp_path, text)


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    mapping = _read(tmp_path, f'{_GOOD}[label]\ncolumn = "fraud"\n')
    with pytest.raises(
        MappingError, match=r"f\.csv: no column 'fraud', which \[label\] column names; it has id, at, who, sum"
    ):
        mapping.choose(["id", "at", "who", "sum"], "f.csv")


@pytest.mark.parametrize(
    ("value", "text"),
    [("007", "007"), (7, "7"), (7.0, "7"), (7.5, "7.5"), (Decimal("12.0"), "12"), (True, "true"), (None, None)],
)
def test_ids_become_their_decimal_text(value: Any, text: str | None) -> None:
    assert as_text(value) == text
    assert as_text(float("nan")) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("57.160", msgspec.Raw(b"57.160")),
        (" 5 ", msgspec.Raw(b"5")),
        ("1e3", msgspec.Raw(b"1e3")),
        (Decimal("0.10"), msgspec.Raw(b"0.10")),
        ("1,5", "1,5"),
        ("", None),
        (3, 3),
        (float("inf"), None),
        (Decimal("NaN"), None),
    ],
)
def test_numbers_keep_their_digits_and_what_is_none_is_left_to_the_decoder(value: Any, number: Any) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(("value", "text"), [(14.555, b"14.56"), ("0.005", b"0.00"), (0.015, b"0.02"), (3, b"3.00")])
def test_amounts_are_rounded_half_to_even_by_their_decimal_text(value: Any, text: bytes) -> None:
    assert rounded_to(2)(value) == msgspec.Raw(text)
    assert rounded_to(2)("much") == "much"


@pytest.mark.parametrize(
    ("terms", "value", "text"),
    [
        ({}, "2018-04-01T00:00:31Z", "2018-04-01T00:00:31Z"),
        ({}, datetime(2018, 4, 1, 0, 0, 31, 999_999), "2018-04-01T00:00:31.999Z"),  # noqa: DTZ001 - naive on purpose
        ({"zone": "Europe/Stockholm"}, datetime(2018, 7, 1, 2), "2018-07-01T00:00:00.000Z"),  # noqa: DTZ001
        ({}, datetime(2018, 4, 1, tzinfo=UTC), "2018-04-01T00:00:00.000Z"),
        ({"format": "%Y-%m-%d %H:%M:%S"}, "2018-04-01 00:00:31", "2018-04-01T00:00:31.000Z"),
        ({"format": "%d/%m/%Y %H.%M", "zone": "Asia/Tokyo"}, "02/01/1999 08.30", "1999-01-01T23:30:00.000Z"),
        ({"format": "%Y%m%d"}, 20180401, "2018-04-01T00:00:00.000Z"),
        ({"format": "%Y-%m-%d %H:%M:%S"}, "yesterday", "yesterday"),
        ({"unit": "s"}, -1, "1969-12-31T23:59:59.000Z"),
        ({"unit": "s", "epoch": "2018-04-01T00:00:00Z"}, "31.5", "2018-04-01T00:00:31.500Z"),
        ({"unit": "s", "epoch": "2018-04-01T00:00:00Z"}, 31.0, "2018-04-01T00:00:31.000Z"),
        ({"unit": "ns"}, 1_522_540_831_123_999_999, "2018-04-01T00:00:31.123Z"),
        ({"unit": "ms"}, "soon", "soon"),
        ({"unit": "s"}, 10**15, str(10**15)),
        ({"unit": "s"}, None, None),
    ],
)
def test_times_are_read_as_the_mapping_says_and_truncated_to_milliseconds(
    terms: dict[str, Any], value: Any, text: str | None
) -> None:
    assert moment_reader(TimestampTerms(**terms))(value) == text
