"""The ledger on RDS: CPU, disk and size of what a rate writes. What breaks first is here.

The model of the disk, because it decides: ids and users enter two indexes in random places. After each checkpoint the first touch
of a page puts its image into the log, and the next checkpoint writes the page. In a week's partition nearly every row touches two
pages that no other row touched since. Source of the mechanism: "Reliability and the Write-Ahead Log", PostgreSQL's manual.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from consumer.planning.demand import Demand
from consumer.planning.limits import GP3_MOST_IOPS, GP3_MOST_MIB_S, PAGE_BYTES, RDS_MOST_GIB, REQUEST_BYTES
from consumer.planning.measured import Measured
from consumer.planning.prices import DatabaseClass
from consumer.planning.stream import Stream
from consumer.planning.use import Use

CPU_FILL = 0.6
DISK_FILL = 0.8
SIZE_FILL = 0.85
CACHED_SHARE = 0.6
"""Of the memory, for pages of the week's indexes: the rest is connections, the system, and other pages."""
_DAY_S = 86_400
_MIB = 2**20
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class LedgerTerms:
    """How the ledger is built: what could be changed.

    `has_pages`: the database writes whole pages to its disk; Aurora's does not. `has_random_ids`: transaction ids say nothing of
    their time; ids that ascend enter their index at its end.
    """

    checkpoint_s: float = 900.0
    partition_days: float = 7.0
    has_pages: bool = True
    has_random_ids: bool = True


AS_BUILT = LedgerTerms()


@dataclass(frozen=True, slots=True)
class LedgerLoad:
    """What one ledger is asked to do at the peak, a second; `mean_rows_s` fills its disk for `days`."""

    rows_s: float
    batches_s: float
    cold_users_s: float
    mean_rows_s: float
    days: int

    def part(self, of: int) -> LedgerLoad:
        """Return one ledger's part where `of` ledgers share by ranges of the hash that makes shards, so that a shard has one ledger."""
        rows_s, mean_rows_s = self.rows_s / of, self.mean_rows_s / of
        batches_s, cold_users_s = self.batches_s / of, self.cold_users_s / of
        return LedgerLoad(rows_s, batches_s, cold_users_s, mean_rows_s, self.days)


def load_of(demand: Demand, stream: Stream) -> LedgerLoad:
    """Return the load of a demand: a row an event, a transaction a batch."""
    cold = demand.peak * demand.cold_share
    return LedgerLoad(demand.peak, stream.batches_s, cold, demand.events_per_second, demand.ledger_days)


def cores_busy(load: LedgerLoad, measured: Measured) -> float:
    """Return busy cores: rows x a row + batches x a batch + cold users x a past."""
    m = measured
    busy_us = load.rows_s * m.postgres_row_us + load.batches_s * m.postgres_batch_us
    return (busy_us + load.cold_users_s * m.postgres_cold_user_us) / 1e6


def pages_touched(measured: Measured, terms: LedgerTerms) -> float:
    """Return how many pages of the two random indexes a row is the first to touch since the last checkpoint: 0 to 2.

    An index of entries of b bytes has L = rows / (8192 / b) leaves; n rows that fall at random touch L (1 - e^(-n/L)) of them. With
    n the rows of a checkpoint's time and L that of half a partition, n/L = 2 x checkpoint x 8192 / (partition x b): no rate in it.
    """
    return sum(_touched(row_bytes, terms) for row_bytes in _random_indexes(measured, terms))


def _random_indexes(measured: Measured, terms: LedgerTerms) -> tuple[float, ...]:
    """Return the bytes of a row's entry in each index that is entered at random."""
    users, ids = measured.user_index_row_bytes, measured.id_index_row_bytes
    return (users, ids) if terms.has_random_ids else (users,)


def _touched(row_bytes: float, terms: LedgerTerms) -> float:
    rows_a_leaf = 2 * terms.checkpoint_s * PAGE_BYTES / (terms.partition_days * _DAY_S * row_bytes)
    return (1 - exp(-rows_a_leaf)) / rows_a_leaf


def log_bytes_a_row(measured: Measured, terms: LedgerTerms) -> float:
    """Return the write-ahead log of a row, the images of pages included."""
    images = pages_touched(measured, terms) * measured.page_image_bytes if terms.has_pages else 0.0
    return measured.wal_row_bytes + images


def pages_read_a_row(load: LedgerLoad, memory_gib: float, measured: Measured, terms: LedgerTerms) -> float:
    """Return how many of the leaves that a row enters are on disk only, 0 to 2, at the end of a partition's time."""
    indexes = _random_indexes(measured, terms)
    index_bytes = load.mean_rows_s * terms.partition_days * _DAY_S * sum(indexes)
    cached = CACHED_SHARE * memory_gib * _GIB
    return len(indexes) * max(0.0, 1 - cached / index_bytes)


def size_gib(load: LedgerLoad, measured: Measured) -> float:
    """Return the ledger's size when it is as old as its retention, 2 % for the rest (outbox, refusals, merchants' hours, log)."""
    return load.mean_rows_s * load.days * _DAY_S * measured.ledger_row_bytes * 1.02 / _GIB


def uses_of(
    load: LedgerLoad, database: DatabaseClass, measured: Measured, terms: LedgerTerms = AS_BUILT
) -> tuple[Use, ...]:
    """Return what the peak uses of one instance of `database`: CPU, disk requests and bytes, size.

    requests = rows x (pages written + pages read) + cold users x pages of a past + transactions + log / 256 KB;
    bytes = log + pages written and read. A heap row shares its page with its neighbours: left out.
    """
    written = pages_touched(measured, terms) if terms.has_pages else 0.0
    read = (
        pages_read_a_row(load, database.memory_gib, measured, terms) * load.rows_s
        + load.cold_users_s * measured.cold_user_pages
    )
    log_bytes = load.rows_s * log_bytes_a_row(measured, terms)
    pages = load.rows_s * written + read
    requests = pages + load.batches_s + log_bytes / REQUEST_BYTES
    mb_s = (log_bytes + pages * PAGE_BYTES) / 1e6
    most_iops = min(database.disk_iops, GP3_MOST_IOPS) if terms.has_pages else float("inf")
    return (
        Use("CPU of the ledger", cores_busy(load, measured), database.vcpu, "vCPU", CPU_FILL),
        Use("disk requests", requests, most_iops, "IOPS", DISK_FILL),
        Use("disk bytes", mb_s, min(database.disk_mb_s, GP3_MOST_MIB_S * _MIB / 1e6), "MB/s", DISK_FILL),
        Use(
            "disk size",
            size_gib(load, measured),
            RDS_MOST_GIB if terms.has_pages else 2 * RDS_MOST_GIB,
            "GiB",
            SIZE_FILL,
        ),
    )
