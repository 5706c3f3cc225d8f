"""The relay records what became of every alert, and no failure of the topic loses one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from sinks.alerts.memory import MemoryTopic
from sinks.alerts.relay import AlertRelay, RelayReport
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.ledger.memory import MemoryLedger, MemoryStore
from sinks.ledger.memory_outbox import MemoryOutbox
from sinks.ledger.outbox import OutboxTerms
from sinks.port import OutboxAlert, PublishResult
from tests.contract.ledger_builders import a_risky_decision, an_alert

START = datetime(2026, 8, 12, tzinfo=UTC)
TERMS = OutboxTerms(
    claim_for=timedelta(minutes=2), first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=4), max_age=None
)


class Scene:
    """Five alerts in an outbox, a topic, and a clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START
        store = MemoryStore()
        decisions = [a_risky_decision(f"t-{i}") for i in range(5)]
        MemoryLedger(store).commit(decisions, [an_alert(decision) for decision in decisions], [])
        self.ids = list(store.outbox)
        self.entries = store.outbox
        self.outbox = MemoryOutbox(store, lambda: self.now, TERMS)
        self.topic = MemoryTopic()
        self.relay = AlertRelay(self.outbox, self.topic)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def told(self) -> list[UUID]:
        return [alert.alert_id for alert in self.topic.published]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_every_alert_is_told_once(scene: Scene) -> None:
    reports = [scene.relay.relay_once(limit=2) for _ in range(4)]

    assert [report.sent for report in reports] == [2, 2, 1, 0]
    assert [report.is_idle for report in reports] == [False, False, False, True]
    assert scene.told == scene.ids
    assert scene.outbox.pending() == 0


def test_a_topic_that_cannot_be_reached_delays_the_alerts(scene: Scene) -> None:
    scene.topic.fail_next("unreachable")

    assert scene.relay.relay_once() == RelayReport(sent=0, failed=5, parked=0)
    assert scene.relay.relay_once() == RelayReport(0, 0, 0)
    scene.wait(1)
    assert scene.relay.relay_once().sent == 5
    assert scene.told == scene.ids


def test_the_wait_doubles_up_to_its_bound(scene: Scene) -> None:
    waits = []
    for _ in range(4):
        scene.topic.fail_next("unreachable")
        scene.relay.relay_once()
        wait = scene.entries[scene.ids[0]].due_at - scene.now
        waits.append(wait.total_seconds())
        scene.now += wait

    assert waits == [1, 2, 4, 4]


def test_only_what_failed_is_sent_again(scene: Scene) -> None:
    scene.topic.fail_once(scene.ids[1])

    assert scene.relay.relay_once() == RelayReport(sent=4, failed=1, parked=0)
    scene.wait(1)
    assert scene.relay.relay_once() == RelayReport(sent=1, failed=0, parked=0)
    assert sorted(scene.told) == sorted(scene.ids)


def test_what_the_topic_refuses_for_good_is_parked(scene: Scene) -> None:
    scene.topic.refuse(scene.ids[1])

    assert scene.relay.relay_once() == RelayReport(sent=4, failed=0, parked=1)

    assert scene.entries[scene.ids[1]].state == "parked"
    assert scene.outbox.pending() == 0


def test_a_relay_that_dies_between_publishing_and_marking_tells_again_and_loses_nothing(scene: Scene) -> None:
    scene.topic.publish(scene.outbox.claim(5))  # and dies here

    scene.wait(121)
    report = scene.relay.relay_once()

    assert report.sent == 5
    assert scene.told == scene.ids * 2


class _ForbiddenTopic:
    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        raise PermanentSinkError(f"may not publish {len(alerts)} alerts")


def test_a_topic_that_we_may_not_use_stops_the_relay_and_keeps_the_alerts(scene: Scene) -> None:
    with pytest.raises(PermanentSinkError, match="may not publish 5"):
        AlertRelay(scene.outbox, _ForbiddenTopic()).relay_once()

    assert scene.outbox.pending() == 5
    scene.wait(1)
    assert scene.relay.relay_once().sent == 5


def test_an_outbox_that_cannot_be_reached_is_the_callers_to_wait_for() -> None:
    class _LostOutbox(MemoryOutbox):
        def claim(self, limit: int) -> Sequence[OutboxAlert]:
            raise TransientSinkError(f"no connection for {limit}")

    outbox = _LostOutbox(MemoryStore(), lambda: START)

    with pytest.raises(TransientSinkError):
        AlertRelay(outbox, MemoryTopic()).relay_once()
