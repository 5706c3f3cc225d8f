"""The consumer: how many Fargate tasks of which size a peak takes. Only sizes that Fargate offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from consumer.planning.demand import Demand
from consumer.planning.errors import PlanRefused
from consumer.planning.limits import FARGATE, TASKS_AT_MOST
from consumer.planning.measured import Measured
from consumer.planning.prices import Prices
from consumer.planning.stream import Stream
from consumer.planning.use import Use

CPU_FILL = 0.6
"""Autoscaling aims at 60 % of CPU."""
CPU_FILL_WITHOUT_ONE = 0.9
"""With one task gone the others carry the peak at this share."""
MEMORY_FILL = 0.8
LEAST_VCPU = 0.5
"""With less Java takes minutes to start: an estimate."""
LEAST_TASKS = 2


@dataclass(frozen=True, slots=True)
class Tasks:
    """`count` tasks of one size; `uses` at the peak, of all of them together and of the memory of one."""

    count: int
    vcpu: float
    memory_gb: int
    shards_a_task: int
    uses: tuple[Use, ...]

    @property
    def all_vcpu(self) -> float:
        """The vCPU of all tasks."""
        return self.count * self.vcpu

    @property
    def all_memory_gb(self) -> int:
        """Memory of all tasks."""
        return self.count * self.memory_gb


def cores_needed(demand: Demand, stream: Stream, measured: Measured) -> float:
    """Return the cores that workers and Java keep busy at the peak.

    peak x (worker + Java a record) + batches x worker a batch + reads x Java a read. One vCPU counts as one measured core.
    """
    m = measured
    busy_us = demand.peak * (m.worker_record_us + m.java_record_us)
    busy_us += stream.batches_s * m.worker_batch_us + stream.reads_s * m.java_poll_us
    return busy_us / 1e6


def memory_needed_gb(shards: int, measured: Measured) -> float:
    """Return what one container with so many shards holds: host + Java + shards x (worker + Java's part), in GB."""
    m = measured
    return (m.host_mb + m.java_mb + shards * (m.worker_mb + m.java_shard_mb)) / 1000


def tasks_for(demand: Demand, stream: Stream, measured: Measured, prices: Prices) -> Tasks:
    """Return the cheapest tasks that carry the peak, at most 50 if possible, two at least; of equal ones the fewest.

    Raises PlanRefused where a container with one shard needs more memory than the largest task has.
    """
    cores = cores_needed(demand, stream, measured)
    if not (candidates := list(_candidates(cores, stream.shards, measured))):
        raise PlanRefused(
            f"a container with one shard needs {memory_needed_gb(1, measured):,.0f} GB, and Fargate has no such task",
            "check worker_mb, host_mb, java_mb and java_shard_mb",
        )
    return min(candidates, key=lambda t: (t.count > TASKS_AT_MOST, _hourly(t, prices), t.count))


def _hourly(tasks: Tasks, prices: Prices) -> float:
    vcpu, memory = prices["fargate_vcpu_hour"].usd, prices["fargate_gb_hour"].usd
    return tasks.all_vcpu * vcpu + tasks.all_memory_gb * memory


def _candidates(cores: float, shards: int, measured: Measured) -> Iterator[Tasks]:
    for vcpu, memories in FARGATE:
        if vcpu < LEAST_VCPU or memory_needed_gb(1, measured) > memories[-1] * MEMORY_FILL:
            continue
        count = max(LEAST_TASKS, ceil(cores / (vcpu * CPU_FILL)), 1 + ceil(cores / (vcpu * CPU_FILL_WITHOUT_ONE)))
        count = _enough_for_memory(count, shards, memories[-1], measured)
        shards_a_task = ceil(shards / count)
        needed_gb = memory_needed_gb(shards_a_task, measured)
        memory_gb = next(gb for gb in memories if gb * MEMORY_FILL >= needed_gb)
        uses = (
            Use("CPU of the tasks", cores, count * vcpu, "vCPU", CPU_FILL),
            Use("memory of a task", needed_gb, memory_gb, "GB", MEMORY_FILL),
            Use("tasks", count, TASKS_AT_MOST, "tasks"),
        )
        yield Tasks(count, vcpu, memory_gb, shards_a_task, uses)


def _enough_for_memory(count: int, shards: int, most_gb: int, measured: Measured) -> int:
    """Raise the count until a task's part of the shards fits the greatest memory."""
    while count < shards and memory_needed_gb(ceil(shards / count), measured) > most_gb * MEMORY_FILL:
        count += 1
    return count
