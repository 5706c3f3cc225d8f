"""The lake: how many objects of which size a rate makes. Small objects make queries slow and PUTs dear."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from consumer.planning.demand import HOURS_A_MONTH, SECONDS_A_MONTH, Demand
from consumer.planning.limits import S3_PUTS_S
from consumer.planning.measured import Measured
from consumer.planning.use import Use

CHUNK_ROWS = 50_000
"""`FRAUDSTREAM_CHUNK_MAX_ROWS`: a chunk is closed at so many rows."""
CHUNK_BYTES = 32 * 2**20
"""`FRAUDSTREAM_CHUNK_MAX_BYTES`: and at so many bytes in memory, or a shard's part of `FRAUDSTREAM_CHUNK_MEMORY_BYTES` if that is less."""
_DAY_S = 86_400
_MONTH_DAYS = HOURS_A_MONTH / 24
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Lake:
    """Objects by the mean rate; `kept_gb` when the lake is as old as its retention."""

    objects_s: float
    rows_an_object: float
    object_bytes: float
    kept_gb: float
    uses: tuple[Use, ...]

    @property
    def objects_a_day(self) -> float:
        """PUT requests a day."""
        return self.objects_s * _DAY_S

    @property
    def gb_a_month(self) -> float:
        """What a month adds."""
        return self.objects_s * SECONDS_A_MONTH * self.object_bytes / _GB


def rows_of_chunk(demand: Demand, shards_a_task: int, measured: Measured) -> float:
    """Return at how many rows a chunk is full: min(50,000, min(32 MiB, the task's memory for chunks / its shards) / bytes of a row)."""
    share = demand.chunk_memory_mib * 2**20 / shards_a_task
    return max(1.0, min(CHUNK_ROWS, min(CHUNK_BYTES, share) / measured.chunk_row_bytes))


def lake_for(demand: Demand, shards: int, shards_a_task: int, measured: Measured) -> Lake:
    """Return the lake of a rate: an object a shard whenever its chunk is `chunk_age_s` old or full.

    A chunk opens with its first record: objects = shards / age x (1 - e^(-records of a shard and age)), or rate / `rows_of_chunk` if
    that is more. An object has a fixed part and one by rows.
    """
    rate, age_s = demand.events_per_second, demand.chunk_age_s
    by_age = shards / age_s * (1 - exp(-rate / shards * age_s))
    objects_s = max(by_age, rate / rows_of_chunk(demand, shards_a_task, measured))
    rows = rate / objects_s
    object_bytes = measured.parquet_object_bytes + rows * measured.parquet_row_bytes
    kept_gb = objects_s * object_bytes * demand.lake_days * _DAY_S / _GB
    uses = (Use("objects into the lake", objects_s * demand.peak_factor, S3_PUTS_S, "PUT/s"),)
    return Lake(objects_s, rows, object_bytes, kept_gb, uses)
