"""Columns of a file as events: per field a list of JSON values, and from those one JSON text an event, for the stream's decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from consumer.backfill.mapping import NUMBERS, ColumnMapping
from consumer.backfill.tables import Column
from consumer.backfill.values import JsonValue, as_number, as_text, moment_reader, rounded_to

_NESTED = ("location", "device_info")
_encode = msgspec.json.Encoder().encode


class Converters:
    """Turns their columns into the event's, by a mapping."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._constants = mapping.constants
        self._moment = moment_reader(mapping.timestamp)
        self._amount = as_number if mapping.amount.round is None else rounded_to(mapping.amount.round)
        self._fraud_texts = (
            {_verdict(text) for text in texts(mapping.label.fraud_values) if text} if mapping.label else set()
        )

    def events(self, columns: Mapping[str, Column], count: int) -> list[bytes]:
        """Return `count` events as JSON, in order, of columns by field; constants are added."""
        fields: dict[str, Column] = {name: self._convert(name, column) for name, column in columns.items()}
        fields |= {name: [value] * count for name, value in self._constants.items()}
        for group in _NESTED:
            parts = {name: fields.pop(name) for name in list(fields) if name.startswith(f"{group}.")}
            if parts:
                names = [name.removeprefix(f"{group}.") for name in parts]
                fields[group] = _rows(names, parts.values())
        return [_encode(row) for row in _rows(list(fields), fields.values())]

    def frauds(self, column: Column) -> list[int]:
        """Return 1 for fraud, 0 for genuine and -1 where nothing is said; case and a number's spelling (1.0) do not matter."""
        said = texts(column)
        found = {text: -1 if text is None else int(_verdict(text) in self._fraud_texts) for text in set(said)}
        return [found[text] for text in said]

    def _convert(self, field: str, column: Column) -> Column:
        if field == "timestamp":
            return _each(self._moment, column)
        if field == "amount":
            return _each(self._amount, column)
        return _each(as_number, column) if field in NUMBERS else texts(column)


def texts(column: Column) -> list[str | None]:
    """Return the column as texts."""
    return [value if value.__class__ is str else as_text(value) for value in column]


def _verdict(text: str) -> str:
    try:
        return as_text(Decimal(text)) or ""
    except InvalidOperation:
        return text.strip().lower()


def _each(convert: Callable[[Any], JsonValue], column: Column) -> list[JsonValue]:
    return [convert(value) for value in column]


def _rows(names: Sequence[str], columns: Any) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
