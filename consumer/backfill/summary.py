"""What a backfill did, for people and for `backfill.json`, which says by its presence that the folder is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.timestamps import format_timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Summary:
    """Counts of one run. `rows` are the events decided; `repeated` stood there again; `frauds` and `labelled` are labels of rows."""

    feature_set: str
    sources: Sequence[str]
    labels: Sequence[str]
    order: str
    model_version: str | None
    policy_version: str | None
    read: int = 0
    rows: int = 0
    repeated: int = 0
    refused: int = 0
    refused_by_reason: Mapping[str, int] = field(default_factory=dict)
    labelled: int = 0
    frauds: int = 0
    alerts: int = 0
    users: int = 0
    golden: int = 0
    first_event_ms: int | None = None
    last_event_ms: int | None = None
    seconds: float = 0.0
    events_per_second: float = 0.0

    def write(self, path: Path) -> None:
        """Write it as JSON, its times as RFC 3339."""
        facts = asdict(self)
        for name in ("first_event", "last_event"):
            facts[f"{name}_time"] = _told(facts.pop(f"{name}_ms"))
        path.write_text(json.dumps(facts, indent=1) + "\n")

    def lines(self) -> Iterator[str]:
        """Yield what a person wants to know."""
        when = f" from {_told(self.first_event_ms)} to {_told(self.last_event_ms)}" if self.rows else ""
        yield f"{self.rows:,} events{when}, {self.users:,} users; {self.seconds:,.1f} s, {self.events_per_second:,.0f} events/s"
        yield f"labels: {self.labelled:,} events, {self.frauds:,} of them fraud"
        if self.labelled and not self.frauds:
            yield "no label says fraud, so nothing can be trained on this: does [label] fraud_values name what the column holds?"
        if self.model_version is not None:
            yield f"decided by {self.model_version}: {self.alerts:,} would alert"
        if self.repeated:
            yield f"{self.repeated:,} rows repeat an event that was decided before"


def _told(event_ms: int | None) -> str | None:
    return None if event_ms is None else format_timestamp(_EPOCH + timedelta(milliseconds=event_ms))
