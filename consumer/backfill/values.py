"""Their values as JSON values of the event. Nothing is judged here: what cannot be read goes on as text, and the decoder refuses it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, TypeAlias, cast
from zoneinfo import ZoneInfo

import msgspec

from consumer.backfill.mapping import TimestampTerms
from schemas.timestamps import format_timestamp, parse_timestamp

JsonValue: TypeAlias = str | int | float | msgspec.Raw | None
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ISO_FORMATS = frozenset({"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f"})
UNITS_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def as_text(value: Any) -> str | None:
    """Return the value as a text: a number as its decimal text (whole ones without a point), booleans as true and false."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value == int(value) else str(value)
    return cast("str", value) if isinstance(value, dict | list) else str(value)  # the decoder says what it is


def as_number(value: Any) -> JsonValue:
    """Return the value as a JSON number, its digits untouched; None for NaN, text that is no number as it is."""
    if isinstance(value, Decimal):
        return _raw_number(str(value)) if value.is_finite() else None
    if isinstance(value, str):
        text = value.strip()
        return _raw_number(text) if text else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, int | float) else str(value)


def _raw_number(text: str) -> str | msgspec.Raw:
    return msgspec.Raw(text.encode()) if _JSON_NUMBER.fullmatch(text) else text


def rounded_to(decimals: int) -> Callable[[Any], JsonValue]:
    """Return what makes a JSON number with so many decimals of a number or its text, half to even."""
    quantum = Decimal(1).scaleb(-decimals)

    def as_rounded(value: Any) -> JsonValue:
        try:
            number = Decimal(str(value).strip()).quantize(quantum, ROUND_HALF_EVEN)
        except InvalidOperation:
            return as_number(value)
        return as_number(number)

    return as_rounded


def moment_reader(terms: TimestampTerms) -> Callable[[Any], str | None]:
    """Return what makes an RFC 3339 text of a time, a text or a number by these terms; what it cannot read it leaves as a text."""
    zone = ZoneInfo(terms.zone)
    read = _numbered(terms) if terms.unit else _formatted(terms.format, zone) if terms.format else None

    def as_moment(value: Any) -> str | None:
        if value is None or (read is None and not isinstance(value, datetime)):
            return as_text(value)
        try:
            moment = value if read is None or isinstance(value, datetime) else read(value)
            return format_timestamp(moment if moment.tzinfo else moment.replace(tzinfo=zone))
        except (ValueError, ArithmeticError, TypeError):
            return as_text(value)

    return as_moment


def _numbered(terms: TimestampTerms) -> Callable[[Any], datetime]:
    epoch, factor = parse_timestamp(terms.epoch), UNITS_A_SECOND[terms.unit or "s"]

    def read(value: Any) -> datetime:
        if isinstance(value, int):
            return epoch + timedelta(milliseconds=value * 1000 // factor)
        return epoch + timedelta(milliseconds=math.floor(Decimal(str(value).strip()) * 1000 / factor))

    return read


def _formatted(pattern: str, zone: ZoneInfo) -> Callable[[Any], datetime]:
    is_iso = pattern in _ISO_FORMATS  # several times as fast, and reads these texts alike

    def read(value: Any) -> datetime:
        text = as_text(value) or ""
        moment = datetime.fromisoformat(text) if is_iso else datetime.strptime(text, pattern)  # noqa: DTZ007 - next line
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)

    return read
