"""Files read a piece at a time, by columns: Parquet, CSV and JSON lines. What the columns mean is the caller's business."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from consumer.backfill.errors import BackfillError
from consumer.backfill.mapping import CsvTerms

PIECE_ROWS = 20_000
_CSV_BLOCK_BYTES = 4 << 20
JSON, CSV, PARQUET = ("jsonl", "ndjson", "json"), ("csv", "tsv"), ("parquet", "pq")
ACCEPTED = "read are .parquet, .csv, .tsv, .jsonl, .ndjson and .json, all but the first also with .gz"

Column: TypeAlias = Sequence[Any]
Choose: TypeAlias = Callable[[list[str]], Collection[str]]
"""Given the names of the columns that there are, returns those to read, or raises BackfillError."""
Broken: TypeAlias = tuple[int, str]


class Rows(NamedTuple):
    """Some rows of one file: their numbers from 1 (JSON: lines), the chosen columns, and what could not be taken apart, with why."""

    numbers: Sequence[int]
    columns: Mapping[str, Column]
    broken: Sequence[Broken] = ()


def kind_of(path: Path) -> str:
    """Return the ending of the file's name, without `.gz`, in lower case."""
    return path.name.lower().removesuffix(".gz").rpartition(".")[2]


def is_readable(path: Path) -> bool:
    """Whether the file's name says that it can be read here; hidden files and those of other tools (`_SUCCESS`) cannot."""
    return kind_of(path) in {*JSON, *CSV, *PARQUET} and not path.name.startswith((".", "_"))


def read_table(path: Path, choose: Choose, csv: CsvTerms) -> Iterator[Rows]:
    """Yield the rows of a Parquet or CSV file. Raises what `choose` raises, BackfillError for a damaged file, OSError."""
    with _arrow_errors_told(path):
        yield from _read_csv(path, choose, csv) if kind_of(path) in CSV else _read_parquet(path, choose)


@contextmanager
def _arrow_errors_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError, LookupError) as error:
        raise BackfillError(f"{path}: cannot be read ({error})") from error


def _read_parquet(path: Path, choose: Choose) -> Iterator[Rows]:
    with pq.ParquetFile(path) as file:
        wanted = list(choose(_flatten(file.schema_arrow.empty_table()).column_names))
        first = 1
        for batch in file.iter_batches(PIECE_ROWS, columns=wanted, use_threads=False):
            table = _flatten(pa.Table.from_batches([batch]))
            yield Rows(range(first, first + len(table)), {name: _plain_values(table[name]) for name in wanted})
            first += len(table)


def _flatten(table: pa.Table) -> pa.Table:
    """Return the table with inner columns named `outer.inner`."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _plain_values(array: pa.ChunkedArray[Any] | pa.Array[Any]) -> list[Any]:
    """Return Python values: whole numbers are int, times are datetimes, decimals Decimal."""
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)  # Python's times have no nanoseconds
    values: list[Any] = array.to_pylist()
    return values


def _read_csv(path: Path, choose: Choose, terms: CsvTerms) -> Iterator[Rows]:
    delimiter = "\t" if kind_of(path) == "tsv" else terms.delimiter
    parse = pa_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=lambda _: "skip")
    read = pa_csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK_BYTES, encoding=terms.encoding)
    with pa_csv.open_csv(path, read_options=read, parse_options=parse) as head:
        wanted = list(choose(head.schema.names))
    numbering = _Numbering()
    parse.invalid_row_handler = numbering.skip
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(wanted, pa.string()),
        include_columns=wanted,
        strings_can_be_null=True,
        null_values=[""],
    )
    with pa_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as file:
        for batch in file:
            columns = {name: batch.column(name).to_pylist() for name in wanted}
            yield Rows(numbering.take(batch.num_rows), columns, numbering.tell())
    if left := numbering.tell():
        yield Rows((), dict.fromkeys(wanted, ()), left)


class _Numbering:
    """Which numbers the rows of a CSV file have, where rows that have too many or too few columns are left out."""

    def __init__(self) -> None:
        self._broken: list[Broken] = []
        self._last, self._told = 0, 0

    def skip(self, row: pa_csv.InvalidRow) -> Literal["skip", "error"]:
        number = (row.number or 1) - 1  # pyarrow counts the header
        self._broken.append((number, f"has {row.actual_columns} columns, not {row.expected_columns}"))
        return "skip"

    def take(self, count: int) -> Sequence[int]:
        """Return the numbers of the next `count` good rows."""
        skipped = {number for number, _ in self._broken}
        numbers: list[int] = []
        while len(numbers) < count:
            self._last += 1
            if self._last not in skipped:
                numbers.append(self._last)
        return numbers

    def tell(self) -> list[Broken]:
        """Return the broken rows that were not told yet."""
        found = self._broken[self._told :]
        self._told += len(found)
        return found
