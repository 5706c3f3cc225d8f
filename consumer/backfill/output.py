"""Features and decisions as Parquet files, written a row group at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from consumer.backfill.labels import NOT_SAID, Label
from consumer.scoring.features import Matrix
from consumer.scoring.features.facts import cents_of
from schemas.decision import Decision
from schemas.lake import LAKE_COLUMNS
from schemas.transaction import Transaction
from sinks.lake.parquet import DECISIONS_SCHEMA, to_table

FEATURES_FILE, DECISIONS_FILE = "features.parquet", "decisions.parquet"
GROUP_ROWS = 100_000
_MOMENT = pa.timestamp("ms", tz="UTC")
_FACTS: list[pa.Field[Any]] = [
    pa.field("transaction_id", pa.string(), nullable=False),
    pa.field("event_time", _MOMENT, nullable=False),
    pa.field("user_id", pa.string(), nullable=False),
    pa.field("merchant_id", pa.string()),
    pa.field("card_id", pa.string()),
    pa.field("amount", pa.float64(), nullable=False),
]
_OUTCOME: list[pa.Field[Any]] = [
    pa.field("is_fraud", pa.bool_()),
    pa.field("known_at", _MOMENT),
    pa.field("pattern", pa.string()),
    pa.field("truth", pa.bool_()),
]
_REPETITIVE_OF_DECISIONS = [
    column.name
    for column in LAKE_COLUMNS
    if column.lake in {"string", "tinyint"} and column.name not in {"transaction_id", "sequence_number"}
]
_REPETITIVE = ["user_id", "merchant_id", "card_id", "pattern"]


class FeatureRow(NamedTuple):
    """An event and what it turned out to be: what labels say and since when, and, where a file of it was given, the truth."""

    transaction: Transaction
    event_ms: int
    label: Label
    truth: Label


def features_schema(names: Sequence[str], facts: Mapping[str, str]) -> pa.Schema:
    """Return the columns of features.parquet: the facts of the event, a float32 column per feature, and what it turned out to be."""
    features = [pa.field(name, pa.float32(), nullable=False) for name in names]
    return pa.schema(
        [*_FACTS, *features, *_OUTCOME], metadata={name.encode(): value.encode() for name, value in facts.items()}
    )


class FeatureFile:
    """features.parquet. Rows in the order given; `close` says how many there are. Holds at most one row group in memory."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = _open(path, schema, _REPETITIVE)
        self._rows: list[FeatureRow] = []
        self._matrices: list[Matrix] = []
        self.rows = 0

    def write(self, rows: Sequence[FeatureRow], features: Matrix) -> None:
        """Take some rows; both are in the same order."""
        self._rows += rows
        self._matrices.append(features)
        if len(self._rows) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        self._flush()
        self._writer.add_key_value_metadata({"event_count": str(self.rows)})
        self._writer.close()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = [*_facts(self._rows), *np.concatenate(self._matrices).T.copy(), *_outcome(self._rows)]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self.rows += len(self._rows)
        self._rows, self._matrices = [], []


def _facts(rows: Sequence[FeatureRow]) -> list[Any]:
    transactions = [row.transaction for row in rows]
    cents = cents_of([float(t.amount) for t in transactions], [t.currency for t in transactions])
    return [
        [t.transaction_id for t in transactions],
        [row.event_ms for row in rows],
        [t.user_id for t in transactions],
        [t.merchant_id for t in transactions],
        [t.card_id for t in transactions],
        np.array(cents, np.float64) / 100,
    ]


def _outcome(rows: Sequence[FeatureRow]) -> list[Any]:
    labels, truths = [row.label for row in rows], [row.truth for row in rows]
    return [
        [None if label.fraud == NOT_SAID else label.fraud == 1 for label in labels],
        [None if label.fraud == NOT_SAID else label.known_ms for label in labels],
        [truth.pattern or label.pattern for label, truth in zip(labels, truths, strict=True)],
        [None if truth.fraud == NOT_SAID else truth.fraud == 1 for truth in truths],
    ]


class DecisionFile:
    """decisions.parquet: the lake's columns, in the order given. Holds at most one row group in memory."""

    def __init__(self, path: Path) -> None:
        self._writer = _open(path, DECISIONS_SCHEMA, _REPETITIVE_OF_DECISIONS)
        self._tables: list[pa.Table] = []
        self._held = 0

    def write(self, decisions: Sequence[Decision]) -> None:
        """Take some rows."""
        self._tables.append(to_table(decisions))
        self._held += len(decisions)
        if self._held >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._tables:
            self._writer.write_table(pa.concat_tables(self._tables))
        self._tables, self._held = [], 0


def sort_by_time(path: Path) -> None:
    """Put a file of features that was written as events arrived into the order of event time; ties keep theirs. Loads it whole."""
    table = pq.read_table(path, use_threads=False)
    count = table.schema.metadata | {b"event_count": str(len(table)).encode()}
    moments: npt.NDArray[np.int64] = table["event_time"].cast(pa.int64()).to_numpy()
    order = np.argsort(moments, kind="stable")
    del moments
    schema = table.schema.with_metadata(count)
    with _open(path, schema, _REPETITIVE) as writer:
        for start in range(0, len(order), GROUP_ROWS):
            writer.write_table(table.take(order[start : start + GROUP_ROWS]).cast(schema))


def _open(path: Path, schema: pa.Schema, repetitive: Sequence[str]) -> pq.ParquetWriter:
    options: dict[str, Any] = {"use_dictionary": list(repetitive)}  # the published type stubs know booleans only
    return pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, **options)
