"""The conditions of `fraudstream dead-letters … --where`: one field, one comparison, one value; several are joined by and. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, get_args

from schemas.dead_letter import RefusalReason, Stage
from schemas.position import StreamPosition
from schemas.timestamps import parse_timestamp
from sinks.dead_letters.keys import parse_letter_id
from sinks.ledger.rows import StoredRefusal

Where = Callable[[StoredRefusal], bool]

_CONDITION = re.compile(r"\s*(\w+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ALLOWED: Mapping[str, Sequence[str]] = {
    "stage": get_args(Stage),
    "reason": get_args(RefusalReason),
    "resolved": ("true", "false"),
}
_WORDS: Mapping[str, Callable[[StoredRefusal], str]] = {
    "epoch": lambda stored: stored.refusal.position.stream_epoch,
    "shard": lambda stored: stored.refusal.position.shard_id,
    "stage": lambda stored: stored.refusal.stage,
    "reason": lambda stored: stored.refusal.reason,
    "resolved": lambda stored: "false" if stored.resolved_at is None else "true",
}
FIELDS = ("id", *_WORDS, "arrived")


class WhereError(ValueError):
    """A condition that cannot be read; the message names it and what is allowed."""


class _Span(NamedTuple):
    """The moments that a value means: a whole UTC day, or one millisecond. `end` is outside."""

    start: datetime
    end: datetime


_TIME_COMPARISONS: Mapping[str, Callable[[datetime, _Span], bool]] = {
    "=": lambda moment, span: span.start <= moment < span.end,
    "!=": lambda moment, span: not span.start <= moment < span.end,
    "<": lambda moment, span: moment < span.start,
    "<=": lambda moment, span: moment < span.end,
    ">": lambda moment, span: moment >= span.end,
    ">=": lambda moment, span: moment >= span.start,
}


def parse_where(conditions: Sequence[str]) -> Where:
    """Return whether a letter meets all conditions, such as `reason=invalid_event` or `arrived>=2026-11-20`. Raises WhereError."""
    parsed = [_parse(condition) for condition in conditions]
    return lambda stored: all(is_met(stored) for is_met in parsed)


def letter_position(letter: str) -> StreamPosition:
    """Return the position that a dead letter's id, or the key of its object, means. Raises WhereError."""
    try:
        return parse_letter_id(letter)
    except ValueError as error:
        raise WhereError(f"{error}; `fraudstream dead-letters list` prints them") from None


def _parse(condition: str) -> Where:
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise WhereError(
            f"{condition!r} is no condition: write field=value, such as reason=invalid_event, "
            "and put < and > into quotes: 'arrived>=2026-11-20'"
        )
    name, comparison, value = match.groups()
    if name not in FIELDS:
        raise WhereError(f"{condition!r}: there is no field {name!r}; the fields are {', '.join(FIELDS)}")
    if name == "arrived":
        return _arrived(comparison, value)
    if comparison not in {"=", "!="}:
        raise WhereError(f"{condition!r}: {name} knows = and != only")
    is_equal = _id(value) if name == "id" else _word(name, value)
    return is_equal if comparison == "=" else lambda stored: not is_equal(stored)


def _word(name: str, value: str) -> Where:
    allowed, read = _ALLOWED.get(name), _WORDS[name]
    if allowed is not None and value not in allowed:
        raise WhereError(f"{name} is never {value!r}; it is one of {', '.join(allowed)}")
    return lambda stored: read(stored) == value


def _id(value: str) -> Where:
    position = letter_position(value)
    return lambda stored: stored.refusal.position == position


def _arrived(comparison: str, value: str) -> Where:
    compare, span = _TIME_COMPARISONS[comparison], _span(value)
    return lambda stored: compare(stored.refusal.arrival_time, span)


def _span(value: str) -> _Span:
    try:
        if _DAY.fullmatch(value):
            start, length = datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC), timedelta(days=1)
        else:
            start, length = parse_timestamp(value), timedelta(milliseconds=1)
        return _Span(start, start + length)
    except (ValueError, OverflowError):
        raise WhereError(
            f"arrived: {value!r} is neither a UTC day such as 2026-11-20 nor a time such as 2026-11-20T13:00:00Z"
        ) from None
