"""Labels out of a file: JSON lines, CSV or Parquet, by its name. A bad line costs itself alone, and is told with its number."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
from pydantic import ValidationError

from producers.errors import FileFormatError
from producers.lines import BLANK, BOM, Line, read_events
from schemas.label import Label
from schemas.timestamps import format_timestamp

_MAX_LINE_BYTES = 65_536
_FIELDS = tuple(Label.model_fields)
_REQUIRED = ("transaction_id", "is_fraud", "reported_at")
_WORDS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


class LabelLine(NamedTuple):
    """A line (in Parquet and in a JSON array: a row), from 1: its label, or why it has none."""

    number: int
    label: Label | None
    reason: str = ""


def read_labels(file: Path, source: str | None) -> Iterator[LabelLine]:
    """Yield every line of `file` but blank ones, in order; `-` is JSON lines on standard input.

    `.csv` and `.parquet` are read as such, all else as JSON lines or one JSON array. `source` is that of lines which name none. Raises
    FileFormatError if the file as a whole cannot be read as what its name says, and OSError.
    """
    if str(file) == "-":
        yield from _labels(_json_rows(sys.stdin.buffer), source)
        return
    rows = {".csv": _csv_rows, ".parquet": _parquet_rows}.get(file.suffix.lower(), _json_rows)
    with file.open("rb") as opened:
        yield from _labels(rows(opened), source)


_Row = tuple[int, Mapping[str, Any] | str]
"""A line's number and its fields, or why it has none."""


def _labels(rows: Iterable[_Row], source: str | None) -> Iterator[LabelLine]:
    for number, row in rows:
        if isinstance(row, str):
            yield LabelLine(number, None, row)
            continue
        try:
            yield LabelLine(number, Label.model_validate(_plain(row, source)))
        except ValidationError as refusal:
            yield LabelLine(number, None, _told(refusal))


def _plain(row: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    """Return the fields as the schema has them: tables hold 0 and 1, moments, ids that are numbers, and cells that are empty."""
    fields = {name: row[name] for name in _FIELDS if row.get(name) is not None and row[name] != ""}
    fields = {name: _as_text(value) if isinstance(value, datetime) else value for name, value in fields.items()}
    if isinstance(fields.get("transaction_id"), int):
        fields["transaction_id"] = str(fields["transaction_id"])
    if source is not None:
        fields.setdefault("source", source)
    if "is_fraud" in fields:
        fields["is_fraud"] = _WORDS.get(str(fields["is_fraud"]).lower(), fields["is_fraud"])
    return fields


def _as_text(moment: datetime) -> str:
    return moment.isoformat() if moment.tzinfo is None else format_timestamp(moment)


def _told(refusal: ValidationError) -> str:
    details = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in refusal.errors()]
    hint = "; give --source" if any(error["loc"] == ("source",) for error in refusal.errors()) else ""
    return "; ".join(details) + hint


def _json_rows(source: IO[bytes]) -> Iterator[_Row]:
    for line in read_events(source, _MAX_LINE_BYTES):
        if isinstance(line, Line) and (line.is_cut or line.data.strip(BLANK)):
            yield line.number, _json_row(line)


def _json_row(line: Line) -> Mapping[str, Any] | str:
    if line.is_cut:
        return f"is longer than {_MAX_LINE_BYTES} bytes"
    try:
        row = msgspec.json.decode(line.data.removeprefix(BOM) if line.number == 1 else line.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"is no JSON: {error}"
    return row if isinstance(row, dict) else "is no JSON object"


def _csv_rows(source: IO[bytes]) -> Iterator[_Row]:
    # What is no UTF-8 becomes lone surrogates, which a label refuses: so it costs its own line alone.
    with io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.DictReader(text, strict=True)
        try:
            _require_columns(reader.fieldnames or ())
            for row in reader:
                is_ragged = None in row or None in row.values()
                yield reader.line_num, "has not as many cells as the first line" if is_ragged else row
        except csv.Error as error:
            yield reader.line_num + 1, f"is no CSV ({error}), and what follows cannot be read"


def _parquet_rows(source: IO[bytes]) -> Iterator[_Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(source)
        names = file.schema_arrow.names
        _require_columns(names)
        batches = file.iter_batches(columns=[name for name in _FIELDS if name in names])
        number = 0
        for batch in batches:
            for number, row in enumerate(_milliseconds(batch).to_pylist(), start=number + 1):  # noqa: B020 - it counts on
                yield number, row
    except pa.ArrowException as error:
        raise FileFormatError(f"the file is no Parquet that can be read: {error}") from None


def _milliseconds(batch: Any) -> Any:
    """Return the batch with its moments truncated to what Python can hold, and events are stored with."""
    import pyarrow as pa

    fields = [
        pa.field(field.name, pa.timestamp("ms", field.type.tz)) if pa.types.is_timestamp(field.type) else field
        for field in batch.schema
    ]
    return pa.Table.from_batches([batch]).cast(pa.schema(fields), safe=False)


def _require_columns(names: Collection[str]) -> None:
    if missing := [name for name in _REQUIRED if name not in names]:
        has = ", ".join(names) or "none"
        raise FileFormatError(
            f"the file has no column {', '.join(missing)}; it has: {has}. "
            f"Labels need {', '.join(_REQUIRED)}, a source (a column, or --source), and may have timestamp"
        )
