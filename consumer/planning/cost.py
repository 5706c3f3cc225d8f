"""What stands and what flows, priced. Knows nothing of rates and measured figures: `Standing` may come from a Terraform file too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from consumer.planning.demand import HOURS_A_MONTH, ShardsMode
from consumer.planning.errors import PlanRefused
from consumer.planning.limits import PUT_UNIT_BYTES, ROUNDED_BYTES
from consumer.planning.prices import PriceName, Prices

_GB = 2**30
_FIRST_S3_GB, _NEXT_S3_GB = 50 * 1024, 450 * 1024
_DAY_HOURS = 24


@dataclass(frozen=True, slots=True)
class Standing:
    """What is paid for by the hour, in one environment; `database_class` is a name of the price table."""

    shards_mode: ShardsMode
    shards: int
    stream_hours: int
    is_fan_out: bool
    tasks: int
    task_vcpu: float
    task_memory_gb: float
    database_class: str
    databases: int
    disk_gib: int
    extra_iops: int
    extra_mib_s: int
    is_multi_az: bool
    zones: int = 2
    interface_endpoints: int = 6
    metrics: int = 45


@dataclass(frozen=True, slots=True)
class Flow:
    """What is paid for by the piece: a month of it."""

    events: float
    event_bytes: float
    lake_objects: float
    lake_kept_gb: float
    lease_writes: float
    lease_reads: float
    alerts: float
    log_gb: float


class Item(NamedTuple):
    """A line of the bill: `quantity` pieces of what `price` is for, and where the price was only estimated."""

    service: str
    what: str
    quantity: float
    price: PriceName | str
    usd_each: float
    is_estimated: bool = False

    @property
    def usd(self) -> float:
        """The month's cost."""
        return self.quantity * self.usd_each


_Line = tuple[str, str, float, PriceName]


def bill(standing: Standing, flow: Flow, prices: Prices) -> tuple[Item, ...]:
    """Return the month's bill, items of 0 left out. Raises PlanRefused where the price table lacks the database class.

    Not in it: taxes, discounts, free tiers, data between zones and to the internet, KMS, backups beyond the size of the disk,
    gateway, Athena, support.
    """
    stream = _provisioned(standing, flow) if standing.shards_mode == "provisioned" else _on_demand(standing, flow)
    lines = [*stream, *_tasks(standing), *_disk(standing), *_lake(flow), *_rest(standing, flow)]
    items = [_instances(standing, prices), *(_priced(line, prices) for line in lines)]
    return tuple(item for item in items if item.usd > 0)


def _priced(line: _Line, prices: Prices) -> Item:
    service, what, quantity, name = line
    return Item(service, what, quantity, name, prices[name].usd, prices[name].is_estimated)


def _provisioned(s: Standing, f: Flow) -> Iterator[_Line]:
    shard_hours = s.shards * HOURS_A_MONTH
    put_units = f.events * ceil(f.event_bytes / PUT_UNIT_BYTES)
    yield "Kinesis", "shards", shard_hours, "kinesis_shard_hour"
    yield "Kinesis", "put units", put_units / 1e6, "kinesis_put_million"
    yield "Kinesis", "kept beyond a day", shard_hours * (s.stream_hours > _DAY_HOURS), "kinesis_kept_shard_hour"
    yield "Kinesis", "fan-out", shard_hours * s.is_fan_out, "kinesis_fan_out_shard_hour"
    yield "Kinesis", "fan-out, read", f.events * f.event_bytes / _GB * s.is_fan_out, "kinesis_fan_out_gb"


def _on_demand(s: Standing, f: Flow) -> Iterator[_Line]:
    gb = f.events * f.event_bytes / _GB
    rounded_gb = f.events * ceil(f.event_bytes / ROUNDED_BYTES) * ROUNDED_BYTES / _GB
    kept_gb = rounded_gb / HOURS_A_MONTH * (s.stream_hours - _DAY_HOURS)
    yield "Kinesis", "stream on demand", HOURS_A_MONTH, "kinesis_stream_hour"
    yield "Kinesis", "put", rounded_gb, "kinesis_in_gb"
    yield "Kinesis", "read", gb, "kinesis_out_fan_out_gb" if s.is_fan_out else "kinesis_out_gb"
    yield "Kinesis", "kept beyond a day", kept_gb, "kinesis_kept_gb_month"


def _tasks(s: Standing) -> Iterator[_Line]:
    yield "Fargate", "vCPU", s.tasks * s.task_vcpu * HOURS_A_MONTH, "fargate_vcpu_hour"
    yield "Fargate", "memory", s.tasks * s.task_memory_gb * HOURS_A_MONTH, "fargate_gb_hour"


def _instances(s: Standing, prices: Prices) -> Item:
    """Multi-AZ is a second instance and a second disk."""
    by_name = {one.name: one.usd_hour for one in prices.database_classes}
    if s.database_class not in by_name:
        raise PlanRefused(
            f"there is no price of {s.database_class} in {prices.region}", f"there is one of {', '.join(by_name)}"
        )
    hours = s.databases * (1 + s.is_multi_az) * HOURS_A_MONTH
    return Item("RDS", s.database_class, hours, "instance-hour", by_name[s.database_class])


def _disk(s: Standing) -> Iterator[_Line]:
    disks = s.databases * (1 + s.is_multi_az)
    yield "RDS", "gp3", disks * s.disk_gib, "rds_storage_gb_month"
    yield "RDS", "gp3, IOPS", disks * s.extra_iops, "rds_iops_month"
    yield "RDS", "gp3, MiB/s", disks * s.extra_mib_s, "rds_throughput_month"


def _lake(f: Flow) -> Iterator[_Line]:
    gb = f.lake_kept_gb
    yield "S3", "PUT requests", f.lake_objects / 1e3, "s3_put_thousand"
    yield "S3", "lake", min(gb, _FIRST_S3_GB), "s3_first_gb_month"
    yield "S3", "lake", min(max(0.0, gb - _FIRST_S3_GB), _NEXT_S3_GB), "s3_next_gb_month"
    yield "S3", "lake", max(0.0, gb - _FIRST_S3_GB - _NEXT_S3_GB), "s3_further_gb_month"


def _rest(s: Standing, f: Flow) -> Iterator[_Line]:
    zone_hours = s.zones * HOURS_A_MONTH
    yield "DynamoDB", "leases and checkpoints, writes", f.lease_writes / 1e6, "dynamodb_write_million"
    yield "DynamoDB", "leases, reads", f.lease_reads / 1e6, "dynamodb_read_million"
    yield "SNS", "alerts", f.alerts / 1e6, "sns_million"
    yield "CloudWatch", "logs and metrics in them", f.log_gb, "logs_gb"
    yield "CloudWatch", "metrics", s.metrics, "metric_month"
    yield "network", "NAT", zone_hours, "nat_hour"
    yield "network", "interface endpoints", s.interface_endpoints * zone_hours, "endpoint_hour"
    yield "network", "through endpoints", f.events * f.event_bytes / _GB, "endpoint_gb"
