"""Writing simulated events as Parquet: a column a field, those of inner objects with a dot in their names, as `backfill` reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from producers.simulator.events import SimulatedEvent
from producers.simulator.output import Notebook

_ROWS = 65_536
_TEXT, _NUMBER, _WHOLE = pa.string(), pa.float64(), pa.int32()
_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("transaction_id", _TEXT), ("timestamp", pa.timestamp("ms", "UTC")), ("user_id", _TEXT), ("amount", _NUMBER),
    ("currency", _TEXT), ("merchant_id", _TEXT), ("merchant_category", _TEXT), ("channel", _TEXT),
    ("location.country", _TEXT), ("location.state", _TEXT), ("location.city", _TEXT),
    ("location.latitude", _NUMBER), ("location.longitude", _NUMBER),
    ("device_info.device_type", _TEXT), ("device_info.device_id", _TEXT), ("device_info.ip_address", _TEXT),
    ("card_id", _TEXT), ("hour", _WHOLE), ("day_of_week", _WHOLE), ("previous_transactions_count", _WHOLE),
]  # fmt: skip
SCHEMA = pa.schema(_COLUMNS)


def write_table(events: Iterable[SimulatedEvent], path: Path, notebook: Notebook) -> int:
    """Write the events to a Parquet file and tell the notebook of each; returns how many there were. Absent and null are the same."""
    stream, written = iter(events), 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for rows in iter(lambda: list(_noted(islice(stream, _ROWS), notebook)), []):
            writer.write_batch(_batch(rows))
            written += len(rows)
    return written


def _noted(events: Iterable[SimulatedEvent], notebook: Notebook) -> Iterator[dict[str, Any]]:
    for simulated in events:
        notebook.note(simulated)
        yield simulated.event


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({name: _column(rows, name) for name in SCHEMA.names}, schema=SCHEMA)


def _column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    outer, _, inner = name.partition(".")
    values = [row.get(outer) for row in rows]
    if name == "timestamp":
        return [datetime.fromisoformat(row[name]) for row in rows]
    return [value and value.get(inner) for value in values] if inner else values
