"""What becomes known of fraud, and when: late, never, or wrongly. The truth itself no label has."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from producers.simulator.events import SimulatedEvent
from schemas.timestamps import format_timestamp, parse_timestamp

MEDIAN_DELAY_DAYS, DELAY_SPREAD, LONGEST_DELAY_DAYS = 5.0, 0.8, 60.0
"""The delay is log-normal: a third of all reports come after more than a week; the longest is cut off."""

NEVER_REPORTED_SHARE = 0.08
"""Of the fraudulent events: nobody notices, or nobody tells."""

FALSE_REPORT_SHARE = 0.0002
"""Of the genuine events: people forget what they bought, or hope to get their money back."""

DISPUTED_MERCHANTS = 50
"""One merchant in so many is disputed: what looks like a compromised merchant by its labels and is none."""

DISPUTED_REPORT_SHARE = 0.01
"""Of the genuine events at a disputed merchant: false reports."""

SOURCES = (("chargeback", 0.6), ("customer", 0.3), ("analyst", 0.1))
"""Who reports, with the shares."""


class SimulatedLabel(NamedTuple):
    """A report that the transaction of this identity is fraud; `reported_at` is aware, after the transaction."""

    transaction_id: str
    timestamp: str
    source: str
    reported_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Return the label as a line of a labels file."""
        return {
            "transaction_id": self.transaction_id,
            "timestamp": self.timestamp,
            "is_fraud": True,
            "source": self.source,
            "reported_at": format_timestamp(self.reported_at),
        }


class Reporter:
    """Reports fraud by a seed: equal seeds and equal events give equal labels. Every event is to be shown once, in order."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(f"labels {seed}")

    def report(self, simulated: SimulatedEvent) -> SimulatedLabel | None:
        """Return the label that this event will get; None if it gets none. Its `reported_at` may lie after any event's time."""
        if self._chance.random() >= self._share(simulated):
            return None
        event: dict[str, Any] = simulated.event
        days = min(MEDIAN_DELAY_DAYS * math.exp(self._chance.gauss(0.0, DELAY_SPREAD)), LONGEST_DELAY_DAYS)
        source = self._chance.choices([name for name, _ in SOURCES], [share for _, share in SOURCES])[0]
        reported_at = parse_timestamp(event["timestamp"]) + timedelta(days=days)
        return SimulatedLabel(event["transaction_id"], event["timestamp"], source, reported_at)

    def _share(self, simulated: SimulatedEvent) -> float:
        if simulated.is_fraud:
            return 1 - NEVER_REPORTED_SHARE
        merchant = simulated.event.get("merchant_id")
        return DISPUTED_REPORT_SHARE if merchant is not None and is_disputed(str(merchant)) else FALSE_REPORT_SHARE


def is_disputed(merchant_id: str) -> bool:
    """Tell whether customers of this merchant often take back what they bought, without any fraud."""
    return crc32(merchant_id.encode()) % DISPUTED_MERCHANTS == 0
