"""Which RDS instances carry a ledger's load, and what disk they are given. Apart from the model of the load."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count as counted
from math import ceil

from consumer.planning.ledger import DISK_FILL, SIZE_FILL, LedgerLoad, uses_of
from consumer.planning.limits import (
    GP3_IOPS,
    GP3_MIB_S,
    GP3_MOST_IOPS,
    GP3_MOST_MIB_S,
    GP3_SMALL_GIB,
    GP3_SMALL_IOPS,
    GP3_SMALL_MIB_S,
    RDS_LEAST_GIB,
    RDS_MOST_GIB,
)
from consumer.planning.measured import Measured
from consumer.planning.prices import DatabaseClass, Prices
from consumer.planning.use import Use

_IOPS_A_MIB_S = 4
"""AWS wants at least so many IOPS for each MiB/s of gp3."""
_MIB_A_MB = 1e6 / 2**20


@dataclass(frozen=True, slots=True)
class Disk:
    """A gp3 disk as it is ordered."""

    gib: int
    iops: int
    mib_s: int

    @property
    def extra_iops(self) -> int:
        """IOPS that are paid for beside the size."""
        return max(0, self.iops - GP3_IOPS)

    @property
    def extra_mib_s(self) -> int:
        """MiB/s that are paid for beside the size."""
        return max(0, self.mib_s - GP3_MIB_S)


@dataclass(frozen=True, slots=True)
class Ledgers:
    """`count` equal instances, each with a standby where Multi-AZ. More than one is a change of the code: see consumer.planning.growth."""

    count: int
    database: DatabaseClass
    disk: Disk
    uses: tuple[Use, ...]


def ledgers_for(load: LedgerLoad, measured: Measured, prices: Prices) -> Ledgers:
    """Return one instance of the cheapest class that carries the load; else the fewest of the largest, in the cheapest class for these."""
    largest = prices.steady_classes[-1]
    number = next(n for n in counted(1) if _carries(load.part(n), largest, measured))
    part = load.part(number)
    database = next(one for one in prices.steady_classes if _carries(part, one, measured))
    uses = uses_of(part, database, measured)
    return Ledgers(number, database, disk_for(*uses[1:]), uses)


def _carries(load: LedgerLoad, database: DatabaseClass, measured: Measured) -> bool:
    return all(use.is_within for use in uses_of(load, database, measured))


def disk_for(requests: Use, rate: Use, size: Use) -> Disk:
    """Return the least gp3 disk for these needs, with room; below 400 GiB its speed is fixed."""
    gib = min(RDS_MOST_GIB, max(RDS_LEAST_GIB, ceil(size.used / SIZE_FILL)))
    iops, mib_s = requests.used / DISK_FILL, rate.used * _MIB_A_MB / DISK_FILL
    if gib <= GP3_SMALL_GIB and iops <= GP3_SMALL_IOPS and mib_s <= GP3_SMALL_MIB_S:
        return Disk(gib, GP3_SMALL_IOPS, GP3_SMALL_MIB_S)
    wanted_mib_s = min(GP3_MOST_MIB_S, max(GP3_MIB_S, _rounded(mib_s, 50)))
    wanted_iops = max(GP3_IOPS, _rounded(iops, 1000), _IOPS_A_MIB_S * wanted_mib_s)
    return Disk(max(gib, GP3_SMALL_GIB + 1), min(GP3_MOST_IOPS, wanted_iops), wanted_mib_s)


def _rounded(value: float, step: int) -> int:
    return ceil(value / step) * step
