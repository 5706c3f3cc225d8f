"""The relay of one container as a process of a schedule, and a topic that is away, fails in parts and loses its answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sinks.alerts.relay import AlertRelay
from sinks.errors import TransientSinkError
from sinks.port import OutboxAlert, PublishResult
from tests.property.effects_ledger import Database, WatchedOutbox
from tests.property.effects_process import Process


class FlakyTopic:
    """A topic whose only subscriber keeps what he receives."""

    def __init__(self, received: list[dict[str, Any]], process: Process, fired: Callable[[str], None]) -> None:
        self._received, self._process, self._fired = received, process, fired

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        """See `sinks.port.AlertTopic.publish`."""
        return self._process.visit("publish", lambda: self._publish(alerts))

    def _publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        fault = self._process.fault("publish")
        if fault is not None:
            self._fired(f"publish: {fault}")
            self._process.tell(f"publish: {fault}")
        if fault == "away":
            raise TransientSinkError("the topic cannot be reached")
        sent = alerts[::2] if fault == "partly failed" else alerts
        self._received += [json.loads(alert.payload) for alert in sent]
        if fault == "answer lost":
            raise TransientSinkError("the topic's answer was lost")
        failed = {alert.alert_id: "InternalError" for alert in alerts if alert not in sent}
        return PublishResult({alert.alert_id: f"message of {alert.alert_id}" for alert in sent}, failed, {})


def start_relay(
    name: str,
    tell: Callable[[str], None],
    database: Database,
    received: list[dict[str, Any]],
    fired: Callable[[str], None],
) -> Process:
    """Start a relay that takes all alerts that wait, once."""

    def body() -> None:
        AlertRelay(WatchedOutbox(database, process, fired), FlakyTopic(received, process, fired)).relay_once()

    process = Process(name, tell, body)
    return process
