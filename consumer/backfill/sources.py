"""Files of events, each as pieces of JSON texts: JSON lines as they are, everything else by the mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from consumer.backfill.columns import Converters, texts
from consumer.backfill.errors import BackfillError
from consumer.backfill.json_lines import read_documents, read_lines
from consumer.backfill.mapping import ColumnMapping
from consumer.backfill.tables import ACCEPTED, JSON, Broken, Choose, Rows, is_readable, kind_of, read_table


class Piece(NamedTuple):
    """Some events of one file, in its order. `numbers`: their rows from 1 (JSON: lines). `frauds`: 1, 0 or -1 (nothing is said)."""

    numbers: Sequence[int]
    events: Sequence[bytes]
    frauds: Sequence[int] | None = None
    patterns: Sequence[str | None] | None = None
    broken: Sequence[Broken] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One file of events, and what its columns mean."""

    path: Path
    mapping: ColumnMapping

    def pieces(self) -> Iterator[Piece]:
        """Yield the file's events. Raises BackfillError for a file that is not what its name says, MappingError, OSError."""
        mapping = self.mapping
        if kind_of(self.path) in JSON and not mapping.is_given:
            yield from (Piece(*lines) for lines in read_lines(self.path))
            return
        fields: dict[str, str] = {}

        def choose(available: list[str]) -> Sequence[str]:
            fields.update(mapping.choose(available, str(self.path)))
            label = mapping.label
            return [*dict.fromkeys([*fields.values(), *(label.columns if label else ())])]

        converters = Converters(mapping)
        for rows in read_rows(self.path, choose, mapping):
            yield _piece(rows, fields, mapping, converters)


def read_rows(path: Path, choose: Choose, mapping: ColumnMapping) -> Iterator[Rows]:
    """Yield a file's rows by columns, whatever its kind."""
    return read_documents(path, choose) if kind_of(path) in JSON else read_table(path, choose, mapping.csv)


def _piece(rows: Rows, fields: dict[str, str], mapping: ColumnMapping, converters: Converters) -> Piece:
    numbers, columns, broken = rows
    if not numbers:
        return Piece((), (), broken=broken)
    events = converters.events({field: columns[name] for field, name in fields.items()}, len(numbers))
    if mapping.label is None:
        return Piece(numbers, events, broken=broken)
    patterns = texts(columns[mapping.label.pattern]) if mapping.label.pattern else None
    return Piece(numbers, events, converters.frauds(columns[mapping.label.column]), patterns, broken)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files to read, in order: as given, those of a folder by name. BackfillError where there is nothing to read."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise BackfillError(f"{path}: there is no such file or folder")
        files = sorted(f for f in path.rglob("*") if f.is_file() and is_readable(f)) if path.is_dir() else [path]
        if not files:
            raise BackfillError(f"{path}: holds no file that can be read; {ACCEPTED}")
        found += files
    if unclear := [path for path in found if not is_readable(path)]:
        raise BackfillError(f"{unclear[0]}: its name does not say what it is; {ACCEPTED}")
    return found
