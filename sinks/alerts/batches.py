"""What fits one PublishBatch, and how the results of several become one. Pure: the topic on SNS and the one in memory cut alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sinks.errors import SinkError
from sinks.port import OutboxAlert, PublishResult

MAX_ENTRIES = 10
MAX_BYTES = 262_144
"""Of all messages of one PublishBatch together, attributes included (API reference of PublishBatch)."""
TOO_LARGE = f"larger than {MAX_BYTES} bytes"


class Attribute(NamedTuple):
    """A message attribute as SNS takes it."""

    data_type: str
    text: str


def attribute_of(value: str | float) -> Attribute:
    """Return the attribute that carries `value`; a number never has an exponent."""
    return (
        Attribute("String", value) if isinstance(value, str) else Attribute("Number", format(Decimal(repr(value)), "f"))
    )


def size_of(alert: OutboxAlert) -> int:
    """Return the bytes that count against MAX_BYTES: the document, and name, type and text of every attribute."""
    attributes = [(name, *attribute_of(value)) for name, value in alert.attributes.items()]
    return len(alert.payload.encode()) + sum(len(part.encode()) for attribute in attributes for part in attribute)


def batches(alerts: Sequence[OutboxAlert]) -> Iterator[list[OutboxAlert]]:
    """Cut into batches that SNS takes, in order. None of `alerts` may be larger than MAX_BYTES."""
    batch: list[OutboxAlert] = []
    for alert in alerts:
        if len(batch) == MAX_ENTRIES or sum(map(size_of, (*batch, alert))) > MAX_BYTES:
            yield batch
            batch = []
        batch.append(alert)
    if batch:
        yield batch


@dataclass(slots=True)
class Outcome:
    """A result in the making, and what went wrong with whole batches."""

    sent: dict[UUID, str] = field(default_factory=dict)
    failed: dict[UUID, str] = field(default_factory=dict)
    refused: dict[UUID, str] = field(default_factory=dict)
    errors: list[SinkError] = field(default_factory=list)

    def take_in(self, alerts: Sequence[OutboxAlert]) -> Iterator[list[OutboxAlert]]:
        """Refuse what is too large for any batch and cut the rest into batches."""
        sizes = {alert.alert_id: size_of(alert) for alert in alerts}
        self.refused |= {alert_id: TOO_LARGE for alert_id, size in sizes.items() if size > MAX_BYTES}
        return batches([alert for alert in alerts if alert.alert_id not in self.refused])

    def fail(self, batch: Sequence[OutboxAlert], error: SinkError) -> None:
        """Enter a whole batch that did not leave, as far as is known."""
        self.errors.append(error)
        self.failed.update((alert.alert_id, str(error)) for alert in batch)

    def result(self) -> PublishResult:
        """Return the result; raise the last error if no alert left and none was refused."""
        if self.errors and not self.sent and not self.refused:
            raise self.errors[-1]
        return PublishResult(self.sent, self.failed, self.refused)
