"""Sinks with a meter around them: latencies, what was written, and the calls that failed. So the sinks stay free of telemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic

from consumer.telemetry.metrics import MetricName, Metrics
from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, Wanted
from schemas.position import ShardId, StreamEpoch
from sinks.errors import TransientSinkError
from sinks.port import (
    AlertTopic,
    Candidate,
    ChunkFooter,
    ChunkObject,
    DeadLetters,
    Delivery,
    Known,
    Lake,
    Ledger,
    OutboxAlert,
    PublishResult,
    Refusal,
)


@contextmanager
def _called(metrics: Metrics, sink: str, latency: MetricName | None = None) -> Iterator[None]:
    """Count the call if the sink was away; observe how long it took if not."""
    start_s = monotonic()
    try:
        yield
    except TransientSinkError:
        metrics.count("SinkRetries", of=sink)
        raise
    if latency is not None:
        metrics.observe(latency, (monotonic() - start_s) * 1000)


@dataclass(frozen=True, slots=True)
class MeasuredLedger:
    """A `sinks.port.Ledger`. `now` gives aware UTC; arrivals are Kinesis' clock, so a latency holds the difference of the clocks."""

    ledger: Ledger
    metrics: Metrics
    now: Callable[[], datetime]

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `sinks.port.Ledger`."""
        with _called(self.metrics, "ledger"):
            return self.ledger.look_up(readable, unreadable, wanted)

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        """See `sinks.port.Ledger`."""
        with _called(self.metrics, "ledger", "LedgerCommitLatency"):
            effective = self.ledger.commit(decisions, alerts, refusals)
        self._measure(_made(decisions, effective), alerts)
        return effective

    def _measure(self, made: Sequence[Decision], alerts: Sequence[Alert]) -> None:
        if not made:
            return
        self.metrics.count("DecisionsMade", len(made))
        ids = {decision.transaction_id for decision in made} if alerts else set()
        self.metrics.count("AlertsRaised", sum(alert.transaction_id in ids for alert in alerts))
        oldest = min(decision.arrival_time for decision in made)
        self.metrics.observe("DecisionLatency", max(0.0, (self.now() - oldest).total_seconds() * 1000))


def _made(decisions: Sequence[Decision], effective: Mapping[Identity, Decision]) -> list[Decision]:
    """Return those that are effective: the very objects, or rows equal to them, of an earlier try whose answer was lost."""
    returned = {id(row) for row in effective.values()}
    return [d for d in decisions if id(d) in returned or effective.get(d.identity) == d]


@dataclass(frozen=True, slots=True)
class MeasuredLake:
    """A `sinks.port.Lake`; `put` may be called from a thread beside the one that emits, if `lake` and `metrics` allow it."""

    lake: Lake
    metrics: Metrics

    def put(self, chunk: ChunkObject) -> ChunkFooter:
        """See `sinks.port.Lake`."""
        with _called(self.metrics, "lake", "ChunkPutLatency"):
            footer = self.lake.put(chunk)
        if footer.chunk_id == chunk.footer.chunk_id:
            self.metrics.observe("ChunkRows", footer.rows)
        else:
            self.metrics.count("ChunksAdopted")
        return footer

    def footer(self, key: str) -> ChunkFooter | None:
        """See `sinks.port.Lake`."""
        with _called(self.metrics, "lake"):
            return self.lake.footer(key)

    def keys(self, arrival_day: date, epoch: StreamEpoch, shard_id: ShardId) -> Sequence[str]:
        """See `sinks.port.Lake`."""
        with _called(self.metrics, "lake"):
            return self.lake.keys(arrival_day, epoch, shard_id)


@dataclass(frozen=True, slots=True)
class MeasuredDeadLetters:
    """A `sinks.port.DeadLetters`."""

    dead_letters: DeadLetters
    metrics: Metrics

    def put(self, letter: DeadLetter) -> None:
        """See `sinks.port.DeadLetters`."""
        with _called(self.metrics, "dead_letters"):
            self.dead_letters.put(letter)


@dataclass(frozen=True, slots=True)
class MeasuredTopic:
    """A `sinks.port.AlertTopic`."""

    topic: AlertTopic
    metrics: Metrics

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        """See `sinks.port.AlertTopic`. An answer in which some alerts failed is a call that is made again."""
        with _called(self.metrics, "topic"):
            result = self.topic.publish(alerts)
        self.metrics.count("AlertsSent", len(result.sent))
        self.metrics.count("AlertsParked", len(result.refused))
        if result.failed:
            self.metrics.count("SinkRetries", of="topic")
        return result
