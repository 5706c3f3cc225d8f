"""The plan of a demand: everything sized, used and priced."""

from __future__ import annotations

from dataclasses import dataclass

from consumer.planning.cost import Flow, Item, Standing, bill
from consumer.planning.database import Ledgers, ledgers_for
from consumer.planning.demand import SECONDS_A_MONTH, Demand
from consumer.planning.lake import Lake, lake_for
from consumer.planning.ledger import load_of
from consumer.planning.limits import SNS_MESSAGES_S
from consumer.planning.measured import Measured
from consumer.planning.prices import Prices
from consumer.planning.stream import Stream, stream_for
from consumer.planning.tasks import Tasks, tasks_for
from consumer.planning.use import Use

_LEASE_RENEWED_S = 10 / 3
"""KCL renews every lease three times in failoverTimeMillis, each a write of up to 1 KB."""
_LEASES_READ_S = 20
"""The leader reads all leases twice in this time, each of about 300 bytes, in units of 4 KB."""
_LEASE_BYTES, _READ_UNIT_BYTES = 300, 4_096
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Plan:
    """What a demand takes."""

    demand: Demand
    measured: Measured
    prices: Prices
    stream: Stream
    tasks: Tasks
    ledgers: Ledgers
    lake: Lake
    items: tuple[Item, ...]

    @property
    def usd(self) -> float:
        """The month's cost."""
        return sum(item.usd for item in self.items)

    @property
    def usd_a_million(self) -> float:
        """The cost of a million decisions."""
        return self.usd / self.demand.events_a_month * 1e6

    @property
    def uses(self) -> tuple[Use, ...]:
        """What the peak uses of every limit."""
        alerts = Use("alerts told", self.demand.peak * self.demand.alert_share, SNS_MESSAGES_S, "messages/s")
        return (*self.stream.uses, *self.tasks.uses, *self.ledgers.uses, *self.lake.uses, alerts)


def make_plan(demand: Demand, measured: Measured, prices: Prices) -> Plan:
    """Size and price everything. What is used by the piece is by the mean, what stands is for the peak, all month."""
    stream = stream_for(demand)
    tasks = tasks_for(demand, stream, measured, prices)
    ledgers = ledgers_for(load_of(demand, stream), measured, prices)
    lake = lake_for(demand, stream.shards, tasks.shards_a_task, measured)
    items = bill(standing_of(demand, stream, tasks, ledgers), flow_of(demand, stream, lake, measured), prices)
    return Plan(demand, measured, prices, stream, tasks, ledgers, lake, items)


def standing_of(demand: Demand, stream: Stream, tasks: Tasks, ledgers: Ledgers) -> Standing:
    """Return what stands."""
    return Standing(
        shards_mode=demand.shards_mode,
        shards=stream.shards,
        stream_hours=demand.stream_hours,
        is_fan_out=demand.is_fan_out,
        tasks=tasks.count,
        task_vcpu=tasks.vcpu,
        task_memory_gb=tasks.memory_gb,
        database_class=ledgers.database.name,
        databases=ledgers.count,
        disk_gib=ledgers.disk.gib,
        extra_iops=ledgers.disk.extra_iops,
        extra_mib_s=ledgers.disk.extra_mib_s,
        is_multi_az=demand.is_multi_az,
        zones=1 + demand.is_multi_az,
    )


def flow_of(demand: Demand, stream: Stream, lake: Lake, measured: Measured) -> Flow:
    """Return what flows in a month. Leases: a renewal each 3.3 s and a checkpoint an object; all of them read every 10 s."""
    leases = stream.shards * SECONDS_A_MONTH
    return Flow(
        events=demand.events_a_month,
        event_bytes=demand.event_bytes,
        lake_objects=lake.objects_s * SECONDS_A_MONTH,
        lake_kept_gb=lake.kept_gb,
        lease_writes=leases / _LEASE_RENEWED_S + lake.objects_s * SECONDS_A_MONTH,
        lease_reads=leases * _LEASE_BYTES / _READ_UNIT_BYTES / _LEASES_READ_S * 2,
        alerts=demand.events_a_month * demand.alert_share,
        log_gb=stream.batches_s * SECONDS_A_MONTH * measured.log_bytes_batch / _GB,
    )
