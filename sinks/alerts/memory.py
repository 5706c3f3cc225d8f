"""A topic in memory, which can be told to fail as SNS does."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sinks.errors import TransientSinkError
from sinks.port import OutboxAlert, PublishResult


class MemoryTopic:
    """A `sinks.port.AlertTopic` that keeps what was published, in order."""

    def __init__(self) -> None:
        self.published: list[OutboxAlert] = []
        self._failures_left = 0
        self._failing: set[UUID] = set()
        self._refused: set[UUID] = set()

    def fail_next(self, calls: int = 1) -> None:
        """Raise TransientSinkError at the next `calls` calls; nothing is published."""
        self._failures_left = calls

    def fail_once(self, alert_id: UUID) -> None:
        """Leave this alert among the failed ones the next time it is published."""
        self._failing.add(alert_id)

    def refuse(self, alert_id: UUID) -> None:
        """Refuse this alert for good."""
        self._refused.add(alert_id)

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        """See `sinks.port.AlertTopic.publish`."""
        if self._failures_left:
            self._failures_left -= 1
            raise TransientSinkError("the topic cannot be reached")
        asked = {alert.alert_id: alert for alert in alerts}
        refused = asked.keys() & self._refused
        failed = (asked.keys() & self._failing) - refused
        self._failing -= failed
        sent = [alert for alert_id, alert in asked.items() if alert_id not in refused | failed]
        self.published += sent
        return PublishResult(
            {alert.alert_id: f"message-{alert.alert_id}" for alert in sent},
            dict.fromkeys(failed, "InternalError"),
            dict.fromkeys(refused, "InvalidParameter"),
        )
