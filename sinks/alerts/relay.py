"""The relay takes alerts from the outbox to the topic, apart from the checkpoint: a topic that is down delays nobody's decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import structlog

from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.port import AlertTopic, Outbox, OutboxAlert, PublishResult

_log = structlog.get_logger(__name__)


class RelayReport(NamedTuple):
    """What became of the alerts that were claimed: told, due again later, or parked for an operator."""

    sent: int
    failed: int
    parked: int

    @property
    def is_idle(self) -> bool:
        """Whether nothing left: the caller may wait before it asks again."""
        return self.sent == 0


class AlertRelay:
    """Takes alerts from an outbox to a topic. A crash between the two sends the same `alert_id` again: receivers de-duplicate on it."""

    def __init__(self, outbox: Outbox, topic: AlertTopic) -> None:
        self._outbox = outbox
        self._topic = topic

    def relay_once(self, limit: int = 100) -> RelayReport:
        """Claim up to `limit` alerts, publish them and record what became of each.

        A topic that cannot be reached is no error: the alerts stay, due again with backoff. Raises TransientSinkError or
        PermanentSinkError of the outbox, and PermanentSinkError of the topic after having recorded it.
        """
        claimed = self._outbox.claim(limit)
        if not claimed:
            return RelayReport(0, 0, 0)
        result = self._publish(claimed)
        self._outbox.mark_sent(result.sent)
        self._outbox.mark_failed(result.failed)
        self._outbox.park(result.refused)
        return _report(result)

    def _publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        try:
            return self._topic.publish(alerts)
        except TransientSinkError as error:
            return PublishResult({}, _all_with(alerts, error), {})
        except PermanentSinkError as error:
            self._outbox.mark_failed(_all_with(alerts, error))
            raise


def _all_with(alerts: Sequence[OutboxAlert], error: Exception) -> dict[UUID, str]:
    return {alert.alert_id: str(error) for alert in alerts}


def _report(result: PublishResult) -> RelayReport:
    report = RelayReport(len(result.sent), len(result.failed), len(result.refused))
    if report.failed:
        _log.warning("alerts.not_sent", failed=report.failed, error=next(iter(result.failed.values())))
    if report.parked:
        _log.error("alerts.parked", parked=report.parked, error=next(iter(result.refused.values())))
    return report
