"""What the pipeline, its sinks and housekeeping count, on their real code paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from consumer.housekeeping import backlog_chore, keep_house
from consumer.patience import Patience
from consumer.policies.backoff import Backoff
from consumer.telemetry.measured import MeasuredLedger, MeasuredTopic
from consumer.telemetry.metrics import METRICS, MetricName
from schemas.history import NOTHING_WANTED, Wanted
from sinks.alerts.memory import MemoryTopic
from sinks.alerts.relay import AlertRelay
from sinks.errors import TransientSinkError
from sinks.ledger.memory import MemoryLedger, MemoryStore
from sinks.ledger.memory_outbox import MemoryOutbox
from sinks.port import Candidate, Delivery, Known, OutboxAlert, PublishResult
from tests.contract.ledger_builders import a_risky_decision, an_alert
from tests.pipeline_builders import NOW, World, a_record, an_event

RISKY = {
    "amount": 0,
    "channel": "online",
    "merchant_category": "gift_cards",
    "device_info": {"device_type": "emulator", "ip_address": "203.0.113.5"},
}
QUICK = Backoff(base_s=0.001, cap_s=0.002)


class Tally:
    """Metrics that a test reads."""

    def __init__(self) -> None:
        self.sums: dict[tuple[MetricName, str | None], float] = defaultdict(float)
        self.values: dict[MetricName, list[float]] = defaultdict(list)
        self.readings: dict[MetricName, Callable[[], float | None]] = {}

    def count(self, name: MetricName, number: float = 1, of: str | None = None) -> None:
        assert (METRICS[name].kind, METRICS[name].dimension is None) == ("sum", of is None)
        self.sums[name, of] += number

    def observe(self, name: MetricName, value: float, of: str | None = None) -> None:
        assert (METRICS[name].kind, of) == ("values", None)
        self.values[name].append(value)

    def watch(self, name: MetricName, read: Callable[[], float | None], of: str | None = None) -> None:
        assert (METRICS[name].kind, of) == ("reading", None)
        self.readings[name] = read


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def world(tally: Tally) -> World:
    """Its commits end 1.5 s after the arrival of the records."""
    return World(metrics=tally)


def test_each_verdict_is_counted_once(world: World, tally: Tally) -> None:
    worker = world.worker()
    records = [
        a_record(1),
        a_record(2, b"no json"),
        a_record(3, an_event("t-1")),
        a_record(4, an_event("t-4", **RISKY)),
    ]
    world.process(worker, records)
    assert dict(tally.sums) == {
        ("DecisionsMade", None): 2,
        ("AlertsRaised", None): 1,
        ("RecordsRefused", "decode"): 1,
        ("RecordsRepeated", None): 1,
    }
    assert tally.values["DecisionLatency"] == [1500.0]
    assert len(tally.values["LedgerCommitLatency"]) == 2  # again for the event that shares its transaction id


def test_a_replay_repeats_and_decides_nothing(world: World, tally: Tally) -> None:
    records = [a_record(1), a_record(2, b"no json"), a_record(3)]
    first = world.worker()
    world.process(first, records[:2])
    world.stop(first)
    tally.sums.clear()
    world.process(world.worker(), records)
    assert dict(tally.sums) == {("RecordsRepeated", None): 2, ("DecisionsMade", None): 1, ("AlertsRaised", None): 0}


def test_an_answer_lost_in_commit_is_one_retry_and_one_decision(world: World, tally: Tally) -> None:
    world.ledger.lose_next_answer()
    world.process(world.worker(), [a_record(1)])
    assert (tally.sums["SinkRetries", "ledger"], tally.sums["DecisionsMade", None]) == (1, 1)
    assert len(tally.values["LedgerCommitLatency"]) == 1


def test_what_an_earlier_row_decides_is_no_decision_of_this_batch(tally: Tally) -> None:
    world = World()
    world.process(world.worker(), [a_record(1)])
    [row] = world.store.decisions.values()
    later = row._replace(sequence_number="2", score=0.0)
    measured = MeasuredLedger(world.ledger, tally, lambda: NOW)
    assert measured.commit([later], [], []) == {row.identity: row}
    assert tally.sums["DecisionsMade", None] == 0


class LooksTooEarly(MemoryLedger):
    """Whatever is known was written between the look-up and the commit."""

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        known = super().look_up(readable, unreadable, wanted)
        return known._replace(refusals={}, decisions=())


def test_an_event_that_another_shard_decided_meanwhile_is_a_repetition(world: World, tally: Tally) -> None:
    world.ledger = LooksTooEarly(world.store)
    worker = world.worker()
    world.process(worker, [a_record(1, an_event("t"))])
    world.process(worker, [a_record(2, an_event("t"))])
    assert (tally.sums["DecisionsMade", None], tally.sums["RecordsRepeated", None]) == (1, 1)


def test_a_chunk_is_measured_and_a_standing_one_counts_as_adopted(world: World, tally: Tally) -> None:
    first, zombie = world.worker(), world.worker()
    for worker in (first, zombie):
        world.process(worker, [a_record(1), a_record(2)])
    world.lake.fail_next("before", "after")
    world.stop(first)
    assert (tally.values["ChunkRows"], tally.sums["ChunksAdopted", None]) == ([2], 0)
    assert tally.sums["SinkRetries", "lake"] == 2
    world.stop(zombie)
    assert (tally.values["ChunkRows"], tally.sums["ChunksAdopted", None]) == ([2], 1)
    assert len(tally.values["ChunkPutLatency"]) == 2


def test_a_dead_letter_that_cannot_be_written_is_a_retry(world: World, tally: Tally) -> None:
    world.dead_letters.fail_next()
    world.process(world.worker(), [a_record(1, b"no json")])
    assert tally.sums["SinkRetries", "dead_letters"] == 1


def test_time_spent_waiting_for_a_sink_is_summed(tally: Tally) -> None:
    failures = [TransientSinkError(retry_after_s=0.01), TransientSinkError(retry_after_s=0.02)]

    def call() -> str:
        if failures:
            raise failures.pop()
        return "answer"

    assert Patience(lambda _: None, QUICK, tally)(call) == "answer"
    assert round(tally.sums["SinkWaitTime", None], 2) == 0.03


class Outbox:
    """Three alerts of records that arrived an hour ago, in memory."""

    def __init__(self) -> None:
        store = MemoryStore()
        decisions = [a_risky_decision(f"t-{i}", arrival_time=datetime.now(UTC) - timedelta(hours=1)) for i in range(3)]
        MemoryLedger(store).commit(decisions, [an_alert(decision) for decision in decisions], [])
        self.ids = list(store.outbox)
        self.outbox = MemoryOutbox(store, lambda: datetime.now(UTC))


class Topic:
    """Sends the first alert, fails with the second, refuses the third."""

    def publish(self, alerts: Sequence[OutboxAlert]) -> PublishResult:
        first, second, third = (alert.alert_id for alert in alerts)
        return PublishResult({first: "message"}, {second: "throttled"}, {third: "too long"})


def test_what_became_of_alerts_is_counted_and_what_waits_is_read(tally: Tally) -> None:
    outbox = Outbox().outbox
    AlertRelay(outbox, MeasuredTopic(Topic(), tally)).relay_once()
    assert dict(tally.sums) == {("AlertsSent", None): 1, ("AlertsParked", None): 1, ("SinkRetries", "topic"): 1}
    backlog_chore(outbox, tally).run()
    assert tally.readings["AlertsPending"]() == 1
    assert 3600 <= (tally.readings["OldestAlertAge"]() or 0) < 7200


def test_a_topic_that_is_away_is_a_retry(tally: Tally) -> None:
    topic = MemoryTopic()
    topic.fail_next("unreachable")
    AlertRelay(Outbox().outbox, MeasuredTopic(topic, tally)).relay_once()
    assert dict(tally.sums) == {("SinkRetries", "topic"): 1}


class Pulse:
    def beat(self, **_: str | float | None) -> None:
        pass


def test_a_ledger_that_is_away_is_a_retry_of_housekeeping_and_leaves_no_stale_reading(tally: Tally) -> None:
    outbox = AwayFrom(Outbox().outbox)
    chore = backlog_chore(outbox, tally)
    chore.run()
    assert tally.readings["AlertsPending"]() == 3
    outbox.is_away, rounds = True, iter([False, True])
    keep_house([chore], Pulse(), lambda: next(rounds), QUICK, tally)
    assert (tally.sums["SinkRetries", "ledger"], tally.readings["AlertsPending"]()) == (1, None)


class AwayFrom(MemoryOutbox):
    """An outbox that may be away."""

    def __init__(self, outbox: MemoryOutbox) -> None:
        super().__init__(outbox._store, outbox._clock)
        self.is_away = False

    def pending(self) -> int:
        if self.is_away:
            raise TransientSinkError
        return super().pending()
