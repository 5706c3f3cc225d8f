"""The oracle in SQL: the same vectors from one join of a table with itself, to check the plain one. Written from the definitions alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from consumer.scoring.features.places import DOLLAR_VALUES
from tests.oracle.ledger_rows import NAMES, KnownFraud, LedgerRow, Vectors

_QUERY = Path(__file__).with_name("velocity.sql").read_text()
_ROW: list[tuple[str, pa.DataType]] = [
    ("transaction_id", pa.string()),
    ("event_ms", pa.int64()),
    ("user_id", pa.string()),
    ("amount", pa.float64()),
    ("currency", pa.string()),
    ("merchant_id", pa.string()),
    ("country", pa.string()),
    ("device_id", pa.string()),
    ("latitude", pa.float64()),
    ("longitude", pa.float64()),
    ("dollars", pa.float64()),
    ("position", pa.int64()),
]
_FRAUD: list[tuple[str, pa.DataType]] = [
    ("transaction_id", pa.string()),
    ("event_ms", pa.int64()),
    ("known_ms", pa.int64()),
]


def vectors(rows: Sequence[LedgerRow], frauds: Sequence[KnownFraud] = ()) -> Vectors:
    """Return the vector of each row, whose past is the rows before it in `rows`; merchants are seen as they are in the end."""
    numbered = [(*row, DOLLAR_VALUES[row.currency], position) for position, row in enumerate(rows)]
    with duckdb.connect() as connection:
        connection.register("committed", _table(numbered, _ROW))
        connection.register("known_fraud", _table(frauds, _FRAUD))
        columns = connection.execute(_QUERY).fetchnumpy()
    found = [np.ma.filled(columns[name].astype(np.float64), np.nan) for name in NAMES]
    return np.stack(found, axis=1).astype(np.float32)


def _table(rows: Sequence[tuple[object, ...]], columns: Sequence[tuple[str, pa.DataType]]) -> pa.Table:
    return pa.table({name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(columns)})
