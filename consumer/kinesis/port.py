"""What a shard's worker asks of the pipeline and what it offers in return. Apart, so that neither sees the other's insides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from consumer.kinesis.shard_count import ShardCount
from consumer.telemetry.metrics import Meter, Metrics, NoMeter, Process
from schemas.position import Position, ShardId, StreamEpoch, StreamRecord

Fact: TypeAlias = str | int | float | bool | None
"""What a heartbeat may carry: it ends up in the health file, so never a payload."""


class Heartbeat(Protocol):
    """Tells the host that this process is alive and gets on with its work."""

    def beat(self, **facts: Fact) -> None:
        """Report life, and facts that stay valid until reported anew. Never blocks, never raises; may be dropped.

        A process that waits for infrastructure beats while it waits: waiting is not being stuck.
        """


class Checkpointer(Protocol):
    """Moves the shard's checkpoint. Valid only inside the call that it was given to."""

    def checkpoint(self, position: Position) -> None:
        """Checkpoint at `position` and return once DynamoDB holds it.

        Busy or unreachable checkpoint storage is retried for ever, with backoff and heartbeat. Raises LeaseLost where
        another worker owns the shard, PermanentSinkError where the position lies outside what was delivered or the lease
        table is broken.
        """

    def checkpoint_shard_end(self) -> None:
        """Checkpoint at SHARD_END, which unblocks the shard's children. Retries and raises as `checkpoint` does."""


class ShardProcessor(Protocol):
    """One shard's pipeline. Every call returns only when its work is done: the daemon then sends the next message.

    LeaseLost ends the shard quietly. Whatever else is raised ends the process, and nothing is acknowledged.
    """

    def initialize(self, shard_id: ShardId, checkpoint: Position | None) -> None:
        """Start, or start again, behind `checkpoint`; None where the daemon starts at a sentinel (TRIM_HORIZON and so on)."""

    def process(self, records: Sequence[StreamRecord], millis_behind_latest: int, checkpointer: Checkpointer) -> None:
        """Handle one batch in shard order. Called without records too: that is the tick for what is due by age."""

    def lease_lost(self) -> None:
        """Forget the shard's state; another worker goes on from the last checkpoint. `initialize` may follow."""

    def shard_ended(self, checkpointer: Checkpointer) -> None:
        """Flush everything and call `checkpoint_shard_end`: without it the children of the shard stay blocked."""

    def shutdown_requested(self, checkpointer: Checkpointer) -> None:
        """Flush and checkpoint what can be flushed within the daemon's grace period."""


ProcessorFactory: TypeAlias = Callable[[Heartbeat, Metrics], ShardProcessor]
"""Called once in each forked worker: opens what must not be shared with the host, such as a PostgreSQL connection."""

HousekeepingRun: TypeAlias = Callable[[Heartbeat, Metrics, Callable[[], bool]], None]
"""Called in the forked housekeeping process; returns soon after the last argument says that it should stop."""

MeterFactory: TypeAlias = Callable[[Process], Meter]
"""Called once in the host and in each process that it forks."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the host loads once, before it forks: models and code stay in memory that all workers share."""

    stream_epoch: StreamEpoch
    make_processor: ProcessorFactory
    run_housekeeping: HousekeepingRun
    open_meter: MeterFactory = lambda _: NoMeter()
    release_leader: Callable[[], None] = lambda: None
    """Called in a forked process whenever a daemon is started, and when the last one has ended: see `leader_lock.py`."""
    shards: ShardCount = field(default_factory=ShardCount)
    """Made before anything is forked; the host keeps it up to date."""
