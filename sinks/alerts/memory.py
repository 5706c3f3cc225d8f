"""A topic in memory, which can be told to fail as SNS does: a request, its answer, or single messages in a good answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sinks.alerts.batches import Outcome
from sinks.errors import PermanentSinkError, SinkError, TransientSinkError
from sinks.port import OutboxAlert, PublishResult

Failure = Literal["unreachable", "throttled", "answer_lost", "denied"]
"""A request that never arrives, one too many, one that is carried out while nobody learns of it, one that this role may not make."""
_SAID = {
    "unreachable": "the topic cannot be reached",
    "throttled": "Throttled: too many requests",
    "answer_lost": "the topic's answer was lost",
}


class MemoryTopic:
    """A `sinks.port.AlertTopic` that keeps what was published, in order. A request carries as many alerts as SNS would take."""

    def __init__(self) -> None:
        self.published: list[OutboxAlert] = []
        self._failures: deque[Failure] = deque()
        self._failing: set[UUID] = set()
        self._refused: set[UUID] = set()

    def fail_next(self, *failures: Failure) -> None:
        """Make the next requests fail, one each, in this order."""
        self._failures.extend(failures)

    def fail_once(self, alert_id: UUID) -> None:
        """Leave this alert among the failed ones the next time it is published."""
        self._failing.add(alert_id)

    def refuse(self, alert_id: UUID) -> None:
        """Refuse this alert for good."""
        self._refused.add(alert_id)

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        """See `sinks.port.AlertTopic.publish`."""
        outcome = Outcome()
        for batch in outcome.take_in(alerts):
            self._publish_batch(batch, outcome)
        return outcome.result()

    def _publish_batch(self, batch: Sequence[OutboxAlert], outcome: Outcome) -> None:
        failure = self._failures.popleft() if self._failures else None
        if failure == "answer_lost":
            self._carry_out(batch, Outcome())
        if failure:
            outcome.fail(batch, _error_of(failure))
        else:
            self._carry_out(batch, outcome)

    def _carry_out(self, batch: Sequence[OutboxAlert], outcome: Outcome) -> None:
        for alert in batch:
            alert_id = alert.alert_id
            if alert_id in self._refused:
                outcome.refused[alert_id] = "InvalidParameter: refused"
            elif alert_id in self._failing:
                self._failing.remove(alert_id)
                outcome.failed[alert_id] = "InternalError: failed once"
            else:
                self.published.append(alert)
                outcome.sent[alert_id] = f"message-{len(self.published)}"


def _error_of(failure: Failure) -> SinkError:
    if failure == "denied":
        return PermanentSinkError("the topic may not be published to")
    return TransientSinkError(
        "the topic cannot be reached" if failure == "unreachable" else "the topic's answer was lost"
    )
