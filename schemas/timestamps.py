"""The one timestamp parser. Libraries round nine-digit fractions differently, so every decoder calls this and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime

TIMESTAMP_PATTERN = (
    r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))[Tt]((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(?:\.([0-9]{1,9}))?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
"""Which texts are timestamps, but for days that their month does not have; read alike by Python and by ECMA-262, which JSON Schema uses."""
_RFC3339 = re.compile(TIMESTAMP_PATTERN)
_COMMON = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T(?!24)[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3})?Z")
"""How most senders write it. Python reads these as they stand, and refuses what no calendar or clock has, but for hour 24."""


class TimestampError(ValueError):
    """Not an RFC 3339 date and time with an offset, such as 2026-03-01T12:00:00.123Z."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def parse_timestamp(text: str) -> datetime:
    """Return the instant as aware UTC, truncated (never rounded) to milliseconds.

    Takes RFC 3339 with `T`, an offset or `Z`, and up to nine fractional digits; raises `TimestampError` for all else, leap seconds
    and dates outside the years 1 to 9999 in UTC included.
    """
    try:
        return datetime.fromisoformat(text) if _COMMON.fullmatch(text) else _read(text)
    except (ValueError, OverflowError):
        raise TimestampError from None


def _read(text: str) -> datetime:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise TimestampError
    day, time, fraction, offset = match.groups()
    millis = f".{fraction[:3]:0<3}" if fraction else ""
    moment = datetime.fromisoformat(f"{day}T{time}{millis}{'+00:00' if offset in 'Zz' else offset}")
    return moment if offset in "Zz" else moment.astimezone(UTC)


def format_timestamp(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC with milliseconds and `Z`: what `parse_timestamp` reads back unchanged."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
