"""What the demo's live view shows of one moment: values only, so that the view can be tried without a system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from consumer.telemetry.emf_reader import Series, SeriesKey
from sinks.ledger.reader import LedgerCounts, LedgerHops, Percentiles

_NONE = LedgerHops(None, None, None)


class Hop(NamedTuple):
    """One hop of an event; `note` says what is counted where it is not each event."""

    name: str
    taken: Percentiles | None
    note: str = ""


class Shard(NamedTuple):
    """A shard with its worker: how many records it had since its worker began, and how far it is behind."""

    shard_id: str
    records: int
    behind_ms: int


class Alert(NamedTuple):
    """An alert that was received: when we saw it, its sentence, and the reasons' sentences."""

    at: datetime
    severity: str
    summary: str
    transaction_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the system. `alerts` are those that came since the last look; `alerts_received` counts all."""

    at: datetime
    published: int
    counts: LedgerCounts
    alerts_received: int
    alerts: tuple[Alert, ...] = ()
    hops: tuple[Hop, ...] = ()
    shards: tuple[Shard, ...] = ()
    daemon: str = "starts"
    restarts: int = 0

    @property
    def lag_ms(self) -> int:
        """The greatest lag that any shard reported."""
        return max((shard.behind_ms for shard in self.shards), default=0)


def hops_of(rows: LedgerHops, metrics: Mapping[SeriesKey, Series]) -> tuple[Hop, ...]:
    """Return the hops in their order: those that rows tell, and those of commits, which the consumer's metrics tell a batch."""
    return (
        Hop("put → received", rows.put_to_received),
        Hop("received → scored", rows.received_to_scored),
        Hop("scored → committed", _of(metrics, "LedgerCommitLatency"), "a batch"),
        Hop("put → committed", _of(metrics, "DecisionLatency"), "a batch's oldest"),
        Hop("committed → told", rows.committed_to_told, "alerts"),
    )


def _of(metrics: Mapping[SeriesKey, Series], name: Any) -> Percentiles | None:
    series = metrics.get((name, None))
    return Percentiles(series.percentile(0.5), series.percentile(0.99)) if series and series.values else None


def alert_of(message: Mapping[str, Any], at: datetime) -> Alert:
    """Return what is shown of a received alert's document."""
    reasons = tuple(str(reason["text"]) for reason in message["reasons"])
    return Alert(at, str(message["severity"]), str(message["summary"]), str(message["transaction_id"]), reasons)
