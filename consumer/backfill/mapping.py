"""The mapping file: which of their columns is which of our fields, and how their times, amounts and labels are written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from consumer.backfill.errors import MappingError
from schemas.history import LABEL_DELAY_DAYS
from schemas.timestamps import TimestampError, parse_timestamp
from schemas.transaction import DeviceInfo, Location, TransactionEvent

REQUIRED = ("transaction_id", "timestamp", "user_id", "amount")
NUMBERS = frozenset(
    {"location.latitude", "location.longitude", "hour", "day_of_week", "previous_transactions_count", "amount"}
)
_NESTED: dict[str, type[BaseModel]] = {"location": Location, "device_info": DeviceInfo}
_SECTION = re.compile(r"\s*\[+\s*([\w.-]+)")


def _fields() -> tuple[str, ...]:
    names: list[str] = []
    for name in TransactionEvent.model_fields:
        inner = _NESTED.get(name)
        names += [f"{name}.{part}" for part in inner.model_fields] if inner else [name]
    names.remove("metadata")
    return tuple(names)


FIELDS = _fields()
"""Every field of the event that a column or a constant may fill, those of `location` and `device_info` with a dot."""


def _flat(value: Any) -> Any:
    """Return a table with its inner tables flattened: TOML reads the bare key `location.country` as a table in a table."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        parts = _flat(inner).items() if isinstance(inner, dict) else ()
        flat |= {f"{name}.{part}": each for part, each in parts} if isinstance(inner, dict) else {name: inner}
    return flat


def _known_fields(value: dict[str, Any]) -> dict[str, Any]:
    for name in value:
        if name not in FIELDS:
            raise ValueError(f"{name}: the event has no such field; it has {', '.join(FIELDS)}")
    return value


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimestampTerms(_Section):
    """How times are written: RFC 3339 if nothing is said, else by a format of `strptime`, or a number of units since an epoch."""

    format: str | None = None
    zone: str = "UTC"
    unit: Literal["s", "ms", "us", "ns"] | None = None
    epoch: str = "1970-01-01T00:00:00Z"

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is no time zone; write one such as UTC or Europe/Stockholm") from None
        return zone

    @field_validator("epoch")
    @classmethod
    def _epoch_is_a_time(cls, epoch: str) -> str:
        try:
            parse_timestamp(epoch)
        except TimestampError as error:
            raise ValueError(str(error)) from None
        return epoch

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.format is not None and self.unit is not None:
            raise ValueError("give `format` for texts or `unit` for numbers, not both")
        return self


class AmountTerms(_Section):
    """`round`: to so many decimals, half to even; without it an amount with a third decimal is refused, as in the stream."""

    round: Annotated[int, Field(ge=0, le=2)] | None = None


class LabelTerms(_Section):
    """Labels in the events' own file. Every value that is none of `fraud_values` says genuine; a missing one says nothing."""

    column: str
    fraud_values: Annotated[tuple[bool | int | float | str, ...], Field(min_length=1)] = (1, True, "1")
    delay_days: Annotated[float, Field(ge=0)] = LABEL_DELAY_DAYS
    pattern: str | None = None
    """Column that names the fraud's kind, for reports only."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read."""
        return (self.column, self.pattern) if self.pattern else (self.column,)


class CsvTerms(_Section):
    """How a CSV file is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf8"


class ColumnMapping(_Section):
    """The whole file. `is_given` is False for the stand-in where there is none: our own names, and only the required ones must be there."""

    columns: Annotated[dict[str, str], BeforeValidator(_flat), Field(min_length=1)]
    constants: Annotated[dict[str, bool | int | float | str], BeforeValidator(_flat)] = {}
    timestamp: TimestampTerms = TimestampTerms()
    amount: AmountTerms = AmountTerms()
    label: LabelTerms | None = None
    csv: CsvTerms = CsvTerms()
    is_given: Annotated[bool, Field(exclude=True)] = True

    _columns_known = field_validator("columns")(_known_fields)
    _constants_known = field_validator("constants")(_known_fields)

    @field_validator("columns")
    @classmethod
    def _required_are_there(cls, columns: dict[str, str]) -> dict[str, str]:
        if missing := [name for name in REQUIRED if name not in columns]:
            raise ValueError(f"no column for {', '.join(missing)}; every event needs {', '.join(REQUIRED)}")
        return columns

    @model_validator(mode="after")
    def _one_source_a_field(self) -> Self:
        if twice := sorted(self.columns.keys() & self.constants.keys()):
            raise ValueError(f"[constants] {twice[0]}: has a column already; take one of them away")
        return self

    def choose(self, available: list[str], place: str) -> dict[str, str]:
        """Return field -> column for what a file has. MappingError if a column that is needed is not among `available`."""
        if not self.is_given:
            chosen = {field: column for field, column in self.columns.items() if column in available}
            if missing := [name for name in REQUIRED if name not in chosen]:
                raise MappingError(
                    f"{place}: no column {missing[0]}; it has {_some(available)}: say in a mapping file (--mapping) which is which"
                )
            return chosen
        named = [("columns", field, column) for field, column in self.columns.items()]
        if self.label is not None:
            named.append(("label", "column", self.label.column))
            named += [("label", "pattern", self.label.pattern)] if self.label.pattern else []
        for section, key, column in named:
            if column not in available:
                raise MappingError(
                    f"{place}: no column {column!r}, which [{section}] {key} names; it has {_some(available)}"
                )
        return self.columns


_SECTIONS = tuple(name for name in ColumnMapping.model_fields if name != "is_given")
OWN_NAMES = ColumnMapping(columns={name: name for name in FIELDS}, is_given=False)


def _some(names: list[str], most: int = 40) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def read_mapping(file: Path) -> ColumnMapping:
    """Return the mapping in `file`. Raises MappingError, which names line, section and key; OSError."""
    text = file.read_text(encoding="utf8")
    try:
        document = tomllib.loads(text)
        if "is_given" in document:
            raise MappingError(f"{file}: is_given: no such section")
        return ColumnMapping.model_validate(document)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{file}: {error}") from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise MappingError("; ".join(_told(file, text, [str(p) for p in e["loc"]], e["msg"]) for e in found)) from None


def _told(file: Path, text: str, path: list[str], message: str) -> str:
    section, keys = (path or [""])[0], path[1:]
    kind = "key" if keys else f"section; there are {', '.join(_SECTIONS)}"
    why = message.removeprefix("Value error, ").replace("Extra inputs are not permitted", f"there is no such {kind}")
    key = keys[0] if keys else why.split(":")[0]
    line = _line_of(text, section, key)
    named = f"[{section}] " if section else ""
    return f"{file}{f', line {line}' if line else ''}: {named}{''.join(f'{key}: ' for key in keys[:1])}{why}"


def _line_of(text: str, section: str, key: str) -> int | None:
    inside, first = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        if head := _SECTION.match(line):
            inside = head[1]
            first = number if inside == section and first is None else first
        elif inside == section and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return first
