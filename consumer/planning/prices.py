"""The price table: read from TOML, whole or refused. Apart from the formulas, so that a price changes without code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from consumer.planning.errors import PlanRefused

PriceName: TypeAlias = Literal[
    "kinesis_shard_hour", "kinesis_put_million", "kinesis_kept_shard_hour", "kinesis_fan_out_shard_hour",
    "kinesis_fan_out_gb", "kinesis_stream_hour", "kinesis_in_gb", "kinesis_out_gb", "kinesis_out_fan_out_gb",
    "kinesis_kept_gb_month", "fargate_vcpu_hour", "fargate_gb_hour", "rds_storage_gb_month", "rds_iops_month",
    "rds_throughput_month", "s3_first_gb_month", "s3_next_gb_month", "s3_further_gb_month", "s3_put_thousand",
    "sns_million", "dynamodb_write_million", "dynamodb_read_million", "logs_gb", "metric_month", "nat_hour",
    "endpoint_hour", "endpoint_gb",
]  # fmt: skip
_FOLDER = Path(__file__).parent / "prices"


class Price(NamedTuple):
    """One price in USD, what it is paid for, where it was read, and whether no page named it."""

    usd: float
    per: str
    source: str
    is_estimated: bool = False


class DatabaseClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class of RDS instances: price in one zone, and what it sustains: vCPU, and to its disk MB/s of 10^6 bytes and requests a second.

    A plan takes no burstable class, which is for trying things out.
    """

    name: str
    usd_hour: float
    vcpu: float
    memory_gib: int
    disk_mb_s: float
    disk_iops: float
    is_burstable: bool = False


@dataclass(frozen=True, slots=True)
class Prices:
    """One region's prices as seen on one day. The classes ascend by price."""

    region: str
    seen: date
    prices: Mapping[PriceName, Price]
    database_classes: tuple[DatabaseClass, ...]

    def __getitem__(self, name: PriceName) -> Price:
        return self.prices[name]

    @property
    def steady_classes(self) -> tuple[DatabaseClass, ...]:
        """The classes that a plan chooses from, by price."""
        return tuple(one for one in self.database_classes if not one.is_burstable)

    @property
    def estimated(self) -> tuple[PriceName, ...]:
        """The prices that no page named."""
        return tuple(name for name, price in self.prices.items() if price.is_estimated)


class _Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    usd: float
    per: str
    source: str
    estimated: bool = False


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    region: str
    seen: date
    prices: dict[PriceName, _Price]
    database_classes: tuple[DatabaseClass, ...]


def load_prices(region: str = "us-east-1", path: Path | None = None) -> Prices:
    """Read the table of `region`, or the file `path` in its place.

    Raises PlanRefused where there is no table of the region, and where a table is not whole; OSError where `path` cannot be read.
    """
    table = path or _FOLDER / f"{region}.toml"
    if path is None and not table.is_file():
        known = ", ".join(sorted(known.stem for known in _FOLDER.glob("*.toml")))
        raise PlanRefused(
            f"there are no prices of the region {region!r} here, only of {known}", "give your own with --prices FILE"
        )
    return parse_prices(table.read_bytes(), str(table))


def parse_prices(data: bytes, source: str) -> Prices:
    """Read a table; raises PlanRefused with the first thing that is wrong in it."""
    try:
        table = msgspec.convert(_parsed(data), _Table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise PlanRefused(
            f"{source} is no price table ({error})", "compare it with consumer/planning/prices/us-east-1.toml"
        ) from None
    _require_whole(table, source)
    prices = {name: Price(p.usd, p.per, p.source, p.estimated) for name, p in table.prices.items()}
    return Prices(table.region, table.seen, prices, tuple(sorted(table.database_classes, key=lambda one: one.usd_hour)))


def _parsed(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode())


def _require_whole(table: _Table, source: str) -> None:
    if missing := sorted(set(get_args(PriceName)) - set(table.prices)):
        raise PlanRefused(f"{source} has no price for {', '.join(missing)}", "add it")
    if all(one.is_burstable for one in table.database_classes):
        raise PlanRefused(f"{source} has no database_classes that last", "add at least one that is not burstable")
    wrong: list[str] = [name for name, price in table.prices.items() if not price.usd > 0]
    wrong += [one.name for one in table.database_classes if not min(_numbers(one)) > 0]
    if wrong:
        raise PlanRefused(f"{source}: {', '.join(wrong)} is not above 0", "give a positive number")


def _numbers(one: DatabaseClass) -> tuple[float, ...]:
    return one.usd_hour, one.vcpu, one.memory_gib, one.disk_mb_s, one.disk_iops
