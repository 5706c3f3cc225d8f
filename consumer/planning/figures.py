"""Reads measured inputs from a file: our own names with numbers, or what `fraudstream bench` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from consumer.planning.errors import PlanRefused
from consumer.planning.measured import Measured, with_figures

_PARTS = "parts"
WORKER_STAGES = (
    "protocol line",
    "decode",
    "features, velocity, warm",
    "score (model, policy, reasons)",
    "compose decisions and alerts",
    "ledger commit: CPU here",
)
"""Rows of the part `stages` whose sum is a worker's batch; Parquet has batches of its own."""
PARQUET_STAGE, COMMIT_STAGE = "Parquet file (Arrow included)", "ledger commit: CPU of PostgreSQL"
_SMALL, _LARGE, _LARGEST = 10, 500, 5_000
SYSTEM_COLUMNS = {"workers": "worker_record_us", "java": "java_record_us", "postgres": "postgres_row_us"}
"""Columns of the part `end-to-end`. A record's part of its batch is in them, so with them batches count twice: the careful way."""


def read_figures(data: bytes, source: str, measured: Measured) -> Measured:
    """Return `measured` with what the file says.

    Raises PlanRefused for what is no JSON object, for names that are none, numbers that are not above 0, and for a result of the
    benchmark that lacks what a plan takes from it.
    """
    try:
        document = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise PlanRefused(
            f"{source} is no JSON object ({error})", "give names with numbers, or a file of `fraudstream bench`"
        ) from None
    return with_figures(measured, dict(_figures(document, source)), source)


def _figures(document: Mapping[str, Any], source: str) -> Iterator[tuple[str, Any]]:
    """Yield names and values; what the whole system took comes last and so goes before its stages."""
    parts = document.get(_PARTS, {document["part"]: document} if "part" in document else None)
    if parts is None:
        yield from document.items()
        return
    try:
        if "stages" in parts:
            yield from _of_stages(parts["stages"])
        if "end-to-end" in parts:
            yield from _of_system(parts["end-to-end"])
    except (KeyError, TypeError, IndexError) as error:
        raise PlanRefused(
            f"{source} lacks {error} of the benchmark", "run `fraudstream bench stages end-to-end` again"
        ) from None
    if not {"stages", "end-to-end"} & set(parts):
        raise PlanRefused(f"{source} holds nothing that a plan uses", "run `fraudstream bench stages end-to-end`")


def _of_stages(part: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """With cost(batch) = record + batch / size, two sizes give both."""
    cells = {row["label"]: row["cells"] for row in part["rows"]}
    small, large = (sum(_at(cells[stage], size) for stage in WORKER_STAGES) for size in (_SMALL, _LARGE))
    batch_us, record_us = _split(small, large)
    yield "worker_batch_us", batch_us
    yield "worker_record_us", record_us + _at(cells[PARQUET_STAGE], _LARGEST)
    commit = cells[COMMIT_STAGE]
    batch_us, row_us = _split(_at(commit, _SMALL), _at(commit, _LARGE))
    yield "postgres_batch_us", batch_us
    yield "postgres_row_us", row_us


def _of_system(part: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    cells = part["rows"][-1]["cells"]
    for column, name in SYSTEM_COLUMNS.items():
        yield name, _middle(cells[column])


def _split(small_us: float, large_us: float) -> tuple[float, float]:
    """Return the cost of a batch and of a record; noise may make one of them nothing, and never less."""
    batch_us = max(1.0, (small_us - large_us) / (1 / _SMALL - 1 / _LARGE))
    return batch_us, max(0.1, large_us - batch_us / _LARGE)


def _at(cells: Mapping[str, Any], size: int) -> float:
    return _middle(cells[f"batch {size}"])


def _middle(cell: Any) -> float:
    return float(cell["middle"] if isinstance(cell, Mapping) else cell)
