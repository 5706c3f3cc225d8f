"""JSON lines (or one array) as raw texts, or by columns, where a dot in a name leads into an inner object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import msgspec
import pyarrow as pa

from consumer.backfill.errors import BackfillError
from consumer.backfill.tables import PIECE_ROWS, Choose, Rows
from producers.errors import FileFormatError
from producers.lines import BLANK, BOM, read_events
from producers.records import Pause
from schemas.transaction import MAX_EVENT_BYTES

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Lines(NamedTuple):
    """Some lines of one file, as they stand there, and their numbers from 1; blank ones are left out."""

    numbers: Sequence[int]
    texts: Sequence[bytes]


def read_lines(path: Path) -> Iterator[Lines]:
    """Yield the file's lines; one that is longer than an event may be is cut one byte later. Raises BackfillError, OSError."""
    numbers: list[int] = []
    found: list[bytes] = []
    with pa.input_stream(str(path)) as source, _format_errors_told(path):
        for line in read_events(cast("IO[bytes]", source), MAX_EVENT_BYTES + 1):
            if isinstance(line, Pause) or not line.data.strip(BLANK):
                continue
            numbers.append(line.number)
            found.append(line.data.removeprefix(BOM) if line.number == 1 else line.data)
            if len(found) == PIECE_ROWS:
                yield Lines(numbers, found)
                numbers, found = [], []
    yield Lines(numbers, found)


@contextmanager
def _format_errors_told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileFormatError as error:
        raise BackfillError(f"{path}: {error}") from error


def read_documents(path: Path, choose: Choose) -> Iterator[Rows]:
    """Yield the file's objects by columns; what a line does not have is None there. The first piece says which columns there are."""
    wanted: list[str] | None = None
    for numbers, lines in read_lines(path):
        read = [(number, _document(line)) for number, line in zip(numbers, lines, strict=True)]
        good = [(number, document) for number, document in read if document is not None]
        if wanted is None and good:
            wanted = list(choose(_keys(document for _, document in good)))
        columns = {name: [_at(document, name) for _, document in good] for name in wanted or ()}
        broken = [(number, "is no JSON object") for number, document in read if document is None]
        yield Rows([number for number, _ in good], columns, broken)


def _document(line: bytes) -> dict[str, Any] | None:
    try:
        document = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return None
    return document if isinstance(document, dict) else None


def _keys(documents: Iterable[dict[str, Any]], prefix: str = "") -> list[str]:
    found: dict[str, None] = {}
    for document in documents:
        for key, value in document.items():
            found.setdefault(prefix + key)
            if isinstance(value, dict):
                found |= dict.fromkeys(_keys([value], f"{prefix}{key}."))
    return list(found)


def _at(document: dict[str, Any], name: str) -> Any:
    if name in document:
        return document[name]
    head, _, rest = name.partition(".")
    inner = document.get(head) if rest else None
    return _at(inner, rest) if isinstance(inner, dict) else None
