"""Every metric that the consumer and the gateway emit, and the port that code counts through. Alarms are built on these names: they stay.

The comments are the meanings in the README's table, which a test compares. What emits them: `consumer.telemetry.emf`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

MetricName: TypeAlias = Literal[
    # Records that Kinesis delivered, the repeated ones too. Bad: 0 while producers publish.
    "RecordsConsumed",
    # Records whose event was decided for the first time. Bad: far below RecordsConsumed.
    "DecisionsMade",
    # Records that had their verdict before: delivered again after a restart, or sent twice. Bad: it stays above 0.
    "RecordsRepeated",
    # Users whose past was read from the ledger, because this shard did not remember them. Bad: near RecordsConsumed for hours.
    "UsersLoaded",
    # Users whose past this shard remembers; readings of all shards. Bad: it stays small while UsersLoaded is high.
    "UsersRemembered",
    # Records refused, by stage (decode, look_up, score, commit); each is a dead letter. Bad: a share that producers cannot explain.
    "RecordsRefused",
    # Alerts put into the outbox together with their decision. Bad: a flood, or none for hours.
    "AlertsRaised",
    # From the arrival in Kinesis of the oldest record of a batch that is decided to the commit of its decision. Bad: p99 over seconds.
    "DecisionLatency",
    # A batch that holds records, from the daemon's message to our answer, waits for sinks included. Bad: it grows.
    "BatchLatency",
    # One transaction of the ledger that was committed. Bad: p99 over 1,000.
    "LedgerCommitLatency",
    # One write of a chunk to S3 that was answered. Bad: p99 over 5,000.
    "ChunkPutLatency",
    # Decisions in each chunk that was stored. Bad: a few each time, which makes queries slow.
    "ChunkRows",
    # Chunks of another worker that stood where ours was to go. Bad: often, so two consumers fight for a shard.
    "ChunksAdopted",
    # How far the shard's reader is behind the end of its shard, as Kinesis says, when last asked. Bad: minutes.
    "MillisBehindLatest",
    # How long the oldest record consumed waits for its checkpoint. Bad: over 960, which no open chunk explains.
    "CheckpointAge",
    # Calls that failed and are made again, by sink (ledger, lake, dead_letters, topic, checkpoint, stream). Bad: it goes on for minutes.
    "SinkRetries",
    # Time spent waiting for sinks that are away, summed over the shards. Bad: near the period times the shards: nothing moves.
    "SinkWaitTime",
    # Alerts that the topic took. Bad: 0 while AlertsPending is not.
    "AlertsSent",
    # Alerts that the topic refuses for good; they wait for an operator. Bad: any.
    "AlertsParked",
    # Alerts in the outbox, neither sent nor parked nor suppressed. Bad: it grows.
    "AlertsPending",
    # How long ago the record of the oldest pending alert arrived; 0 if none waits. Bad: minutes: nobody is told.
    "OldestAlertAge",
    # For how long an hour of merchants, or a label, has been due to be counted; 0 if none is. Bad: over 6,600: features miss hours.
    "RollUpLag",
    # Labels whose event is not decided. Bad: it grows, so they are of another system.
    "LabelsWaiting",
    # Shards that this container reads. Bad: 0 in all containers together.
    "ShardsServed",
    # Restarts in place of the Java daemon, with all its workers. Bad: more than one an hour.
    "DaemonRestarts",
    # Forked processes that ended unasked, by process (worker, housekeeping). Bad: any that nobody killed.
    "ProcessFailures",
    # Workers that stopped on purpose: quarantine limit, or a sink that refuses for good. Bad: any; the shard waits for a person.
    "DeliberateStops",
    # Requests that the gateway answered, by HTTP status. Bad: 500, any; 503, for minutes.
    "GatewayRequests",
    # From a request's head to the end of its answer, by route. Bad: p99 of classify over 1,000: decisions come late.
    "GatewayLatency",
    # Events to be classified, by outcome (decided, accepted, declined, conflicting, unavailable). Bad: the last, for minutes.
    "GatewayEvents",
    # Decisions given for events that were asked for, or decided, before: clients that retry. Bad: it stays near the events decided.
    "GatewayDuplicates",
    # Events under way in a gateway. Bad: near `FRAUDSTREAM_GATEWAY_MAX_WAITING`.
    "GatewayWaiting",
    # For how long a gateway's events have waited without one being decided; 0 if none waits. Bad: over 10: no consumer decides.
    "GatewayUnanswered",
    # Memory by process (host, worker, housekeeping, daemon, gateway), shared pages divided among their users. Bad: near the container's.
    "MemoryUsed",
    # Lines of the log, these metrics among them, that could not be written: disk full, pipe closed or not read. Bad: any.
    "LogLinesLost",
]
Unit: TypeAlias = Literal["Count", "Milliseconds", "Seconds", "Bytes"]
Kind: TypeAlias = Literal["sum", "values", "reading"]
"""A sum since the last emission; each value observed; or what is read at the moment of emission."""
Process: TypeAlias = Literal["host", "worker", "housekeeping", "gateway"]


class Metric(NamedTuple):
    """How a metric is emitted: its unit, what its values are, which processes emit it, and the dimension beside Application."""

    unit: Unit
    kind: Kind
    emitters: tuple[Process, ...]
    dimension: str | None = None


_WORKER: tuple[Process, ...] = ("worker",)
_HOUSEKEEPING: tuple[Process, ...] = ("housekeeping",)
_HOST: tuple[Process, ...] = ("host",)
_GATEWAY: tuple[Process, ...] = ("gateway",)
_ALL: tuple[Process, ...] = ("host", "worker", "housekeeping", "gateway")

METRICS: Mapping[MetricName, Metric] = {
    "RecordsConsumed": Metric("Count", "sum", _WORKER),
    "DecisionsMade": Metric("Count", "sum", _WORKER),
    "RecordsRepeated": Metric("Count", "sum", _WORKER),
    "UsersLoaded": Metric("Count", "sum", _WORKER),
    "UsersRemembered": Metric("Count", "reading", _WORKER),
    "RecordsRefused": Metric("Count", "sum", _WORKER, "Stage"),
    "AlertsRaised": Metric("Count", "sum", _WORKER),
    "DecisionLatency": Metric("Milliseconds", "values", _WORKER),
    "BatchLatency": Metric("Milliseconds", "values", _WORKER),
    "LedgerCommitLatency": Metric("Milliseconds", "values", _WORKER),
    "ChunkPutLatency": Metric("Milliseconds", "values", _WORKER),
    "ChunkRows": Metric("Count", "values", _WORKER),
    "ChunksAdopted": Metric("Count", "sum", _WORKER),
    "MillisBehindLatest": Metric("Milliseconds", "reading", _WORKER),
    "CheckpointAge": Metric("Seconds", "reading", _WORKER),
    "SinkRetries": Metric("Count", "sum", ("worker", "housekeeping", "gateway"), "Sink"),
    "SinkWaitTime": Metric("Seconds", "sum", _WORKER),
    "AlertsSent": Metric("Count", "sum", _HOUSEKEEPING),
    "AlertsParked": Metric("Count", "sum", _HOUSEKEEPING),
    "AlertsPending": Metric("Count", "reading", _HOUSEKEEPING),
    "OldestAlertAge": Metric("Seconds", "reading", _HOUSEKEEPING),
    "RollUpLag": Metric("Seconds", "reading", _HOUSEKEEPING),
    "LabelsWaiting": Metric("Count", "reading", _HOUSEKEEPING),
    "ShardsServed": Metric("Count", "reading", _HOST),
    "DaemonRestarts": Metric("Count", "sum", _HOST),
    "ProcessFailures": Metric("Count", "sum", _HOST, "Process"),
    "DeliberateStops": Metric("Count", "sum", _HOST),
    "GatewayRequests": Metric("Count", "sum", _GATEWAY, "Status"),
    "GatewayLatency": Metric("Milliseconds", "values", _GATEWAY, "Route"),
    "GatewayEvents": Metric("Count", "sum", _GATEWAY, "Outcome"),
    "GatewayDuplicates": Metric("Count", "sum", _GATEWAY),
    "GatewayWaiting": Metric("Count", "reading", _GATEWAY),
    "GatewayUnanswered": Metric("Seconds", "reading", _GATEWAY),
    "MemoryUsed": Metric("Bytes", "reading", _ALL, "Process"),
    "LogLinesLost": Metric("Count", "sum", _ALL),
}


class Metrics(Protocol):
    """What code counts through. Nothing here blocks or raises; `of` is the value of the metric's dimension, if it has one.

    A thread beside the one that emits may count and observe.
    """

    def count(self, name: MetricName, number: float = 1, of: str | None = None) -> None:
        """Add to a metric that is a sum."""

    def observe(self, name: MetricName, value: float, of: str | None = None) -> None:
        """Add one value to a metric whose distribution matters."""

    def watch(self, name: MetricName, read: Callable[[], float | None], of: str | None = None) -> None:
        """Read a metric whenever metrics are emitted; `read` must be quick and must not raise. None: nothing to say."""


class Meter(Metrics, Protocol):
    """The metrics of one process, from its beginning to its end."""

    @property
    def lines_lost(self) -> int:
        """How many lines of the log this process could not write."""
        ...

    def tick(self) -> None:
        """Emit what has gathered, if it is time; called at least once a second, whatever the process waits for."""

    def close(self) -> None:
        """Emit the rest."""


class NoMeter:
    """Metrics that nobody reads."""

    lines_lost = 0

    def count(self, name: MetricName, number: float = 1, of: str | None = None) -> None:
        """See `Metrics`."""

    def observe(self, name: MetricName, value: float, of: str | None = None) -> None:
        """See `Metrics`."""

    def watch(self, name: MetricName, read: Callable[[], float | None], of: str | None = None) -> None:
        """See `Metrics`."""

    def tick(self) -> None:
        """See `Meter`."""

    def close(self) -> None:
        """See `Meter`."""
