"""Every measured input of the planner, in one place: value, unit, meaning, and the command that measures it again.

An input that nobody measured says so. To plan with the figures of your own machine: `fraudstream plan --measured FILE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from consumer.planning.errors import PlanRefused

MACHINE = "two shared virtual x86 cores, PostgreSQL 18 on the same machine, 2026-11-22"
"""Where the figures below come from. A vCPU of Fargate and of RDS is taken for one of these cores: an estimate."""


class Input(NamedTuple):
    """One row of the table; `is_measured` is False where the value is an estimate and `command` says what it rests on."""

    name: str
    value: float
    unit: str
    meaning: str
    command: str
    is_measured: bool


def _measured(value: float, unit: str, meaning: str, command: str) -> float:
    return _input(value, unit, meaning, command, is_measured=True)


def _estimated(value: float, unit: str, meaning: str, basis: str) -> float:
    return _input(value, unit, meaning, basis, is_measured=False)


def _input(value: float, unit: str, meaning: str, command: str, *, is_measured: bool) -> float:
    metadata = {"unit": unit, "meaning": meaning, "command": command, "is_measured": is_measured}
    return field(default=value, metadata=metadata)


_SIZES = "select pg_total_relation_size(…) of a partition of fraudstream.decision / its rows, after `make demo DEMO_ARGS=--keep`"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one record, batch, shard or row costs. Times are CPU time; a record's cost is `…_record_us` + `…_batch_us` / batch."""

    worker_record_us: float = _measured(
        75, "us", "CPU of a worker a record: all steps, ledger's client, Parquet", "fraudstream bench end-to-end"
    )
    worker_batch_us: float = _measured(
        1_030, "us", "CPU of a worker a batch, whatever is in it", "fraudstream bench stages (batch 10 less 500)"
    )
    java_record_us: float = _measured(30, "us", "CPU of the Java daemon a record", "fraudstream bench end-to-end")
    java_poll_us: float = _estimated(
        1_000, "us", "CPU of the Java daemon a read of a shard", "a guess: an idle shard reads five times a second"
    )
    postgres_row_us: float = _measured(
        27, "us", "CPU of PostgreSQL a row, look-up and commit", "fraudstream bench end-to-end"
    )
    postgres_batch_us: float = _measured(
        640, "us", "CPU of PostgreSQL a batch, whatever is in it", "fraudstream bench stages (batch 10 less 500)"
    )
    postgres_cold_user_us: float = _measured(
        20,
        "us",
        "PostgreSQL for the past of a user not remembered",
        "fraudstream bench stages (features, cold, batch 500)",
    )
    cold_user_pages: float = _estimated(
        6,
        "pages",
        "8 KB pages read for such a past where the disk has them",
        "a descent in each of five weekly partitions, and the rows",
    )
    ledger_row_bytes: float = _measured(1_150, "bytes", "a decision in the ledger, indexes included", _SIZES)
    id_index_row_bytes: float = _measured(
        89, "bytes", "its part in the primary key's index, which ids enter in random places", _SIZES
    )
    user_index_row_bytes: float = _measured(
        187, "bytes", "its part in the index of histories, which users enter in random places", _SIZES
    )
    wal_row_bytes: float = _measured(
        1_360,
        "bytes",
        "write-ahead log a row, without images of pages",
        "pg_current_wal_lsn() around a load with full_page_writes = off / rows",
    )
    page_image_bytes: float = _estimated(
        4_100,
        "bytes",
        "log for the first touch of a page after a checkpoint",
        "8 KB pages halved by wal_compression = lz4",
    )
    chunk_row_bytes: float = _measured(
        2_752,
        "bytes",
        "a decision in an open chunk, in memory",
        "sinks.lake.chunks.size_of, by which chunks are closed",
    )
    parquet_row_bytes: float = _measured(
        128,
        "bytes",
        "a decision in the lake, zstd",
        "ChunkRows and the sizes of the objects, after `make demo DEMO_ARGS=--keep`",
    )
    parquet_object_bytes: float = _measured(
        12_000,
        "bytes",
        "what an object of the lake has besides its rows: schema, statistics, filters",
        "the same, of small objects",
    )
    worker_mb: float = _measured(
        40,
        "MB",
        "memory of a worker: its own, what it remembers, its open chunk and the encoding of it",
        "fraudstream bench memory (32 shards, PSS of workers / 32)",
    )
    host_mb: float = _measured(
        170, "MB", "memory of host and housekeeping, what workers share included", "fraudstream bench memory"
    )
    java_mb: float = _measured(200, "MB", "memory of the Java daemon", "fraudstream bench memory")
    java_shard_mb: float = _measured(
        6.5, "MB", "memory of the daemon and launcher a shard", "fraudstream bench memory (32 shards less 8)"
    )
    log_bytes_batch: float = _estimated(
        60,
        "bytes",
        "log a batch: its values in the embedded metric format",
        "100 values in 1.5 KB, four values a batch",
    )


def inputs(measured: Measured) -> tuple[Input, ...]:
    """Return the table, in order, with the values of `measured`; what differs from the table's own counts as measured by the user."""
    return tuple(_row(one.name, getattr(measured, one.name), one.default, one.metadata) for one in fields(measured))


def _row(name: str, value: float, default: Any, about: Any) -> Input:
    is_own = value != default
    command = "given by you" if is_own else about["command"]
    return Input(name, value, about["unit"], about["meaning"], command, is_own or about["is_measured"])


def with_figures(measured: Measured, figures: dict[str, Any], source: str) -> Measured:
    """Return `measured` with other values; raises PlanRefused for a name that is none and for what is no number above 0."""
    names = {one.name for one in fields(measured)}
    for name, value in figures.items():
        if name not in names:
            raise PlanRefused(f"{source} names {name!r}", f"an input is one of {', '.join(sorted(names))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise PlanRefused(f"{source} gives {value!r} for {name}", "give a number above 0")
    return replace(measured, **figures)
