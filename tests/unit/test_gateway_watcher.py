"""Waiting for verdicts: one question for all, a ledger that is away, what nobody waits for any longer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from threading import Event

import pytest
from structlog.testing import capture_logs

from producers.gateway.watcher import Watcher
from schemas.decision import Decision, Identity
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.errors import PermanentSinkError, SinkError, TransientSinkError
from sinks.front import Pending, Verdict
from sinks.ledger.memory import MemoryStore
from sinks.ledger.memory_front import MemoryFront
from sinks.port import Refusal
from tests.builders import NOW, PLAIN_DECISION

WAIT_S = 10.0
POSITION = StreamPosition(StreamEpoch("20260801T000000Z"), ShardId("shardId-000000000000"), 7)
REFUSAL = Refusal(POSITION, NOW, "look_up", "conflicting_resend")


class AskedFront(MemoryFront):
    """Counts the questions, and fails as told: from `failure` on, until it is taken away."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.asked: list[Sequence[Pending]] = []
        self.was_asked = Event()
        self.failure: SinkError | None = None

    def settled(self, pending: Sequence[Pending]) -> Mapping[Identity, Verdict]:
        self.asked.append(pending)
        self.was_asked.set()
        if self.failure is not None:
            raise self.failure
        return super().settled(pending)

    def wait_until_asked(self, times: int = 1) -> None:
        for _ in range(times):
            self.was_asked.clear()
            assert self.was_asked.wait(WAIT_S)


class Bench:
    """A watcher, its ledger, and a clock that the test moves."""

    def __init__(self) -> None:
        self.store, self.now_s = MemoryStore(), 1_000.0
        self.ledger = AskedFront(self.store)
        self.watcher = Watcher(self.ledger, poll_s=0.001, clock=lambda: self.now_s)

    def decide(self, number: int) -> Decision:
        decision = a_decision(number)
        with self.store.lock:
            self.store.decisions[decision.identity] = decision
        return decision


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    assert bench.watcher.close()


def a_decision(number: int) -> Decision:
    return PLAIN_DECISION._replace(transaction_id=f"t-{number}", event_time=NOW + timedelta(seconds=number))


def waits_for(number: int, position: StreamPosition | None = None) -> Pending:
    return Pending(a_decision(number).identity, position)


def test_a_decision_that_comes_is_told_and_the_others_wait_on(bench: Bench) -> None:
    first, second = bench.watcher.watch(waits_for(1)), bench.watcher.watch(waits_for(2))
    bench.ledger.wait_until_asked()
    decision = bench.decide(2)
    assert second.result(WAIT_S) == decision
    assert not first.done()
    assert bench.watcher.pending == 1


def test_one_question_is_asked_for_all_that_wait(bench: Bench) -> None:
    numbers = range(50)
    futures = [bench.watcher.watch(waits_for(number)) for number in numbers]
    bench.ledger.wait_until_asked(2)
    assert [each.identity for each in bench.ledger.asked[-1]] == [a_decision(number).identity for number in numbers]
    decisions = [bench.decide(number) for number in numbers]
    assert [future.result(WAIT_S) for future in futures] == decisions


def test_two_that_wait_for_the_same_event_are_both_told(bench: Bench) -> None:
    futures = [bench.watcher.watch(waits_for(1)), bench.watcher.watch(waits_for(1, POSITION))]
    decision = bench.decide(1)
    assert [future.result(WAIT_S) for future in futures] == [decision, decision]


def test_a_refusal_at_the_position_is_a_verdict(bench: Bench) -> None:
    bench.store.refusals[POSITION] = REFUSAL
    assert bench.watcher.watch(waits_for(1, POSITION)).result(WAIT_S) == REFUSAL


@pytest.mark.parametrize(
    ("error", "level"),
    [(TransientSinkError("away"), "warning"), (PermanentSinkError("broken"), "error")],
    ids=["transient", "permanent"],
)
def test_a_ledger_that_is_away_is_asked_on_and_the_log_says_so_once(bench: Bench, error: SinkError, level: str) -> None:
    bench.decide(1)
    bench.ledger.failure = error
    with capture_logs() as logs:
        future = bench.watcher.watch(waits_for(1))
        bench.ledger.wait_until_asked(3)
        bench.now_s += 5
        assert bench.watcher.failing_s() == 5
        bench.ledger.failure = None
        assert future.result(WAIT_S).identity == a_decision(1).identity  # type: ignore[union-attr]
        assert bench.watcher.failing_s() == 0
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("ledger_not_watched", level),
        ("ledger_watched_again", "info"),
    ]


def test_the_time_without_an_answer_counts_from_the_first_question_to_the_last_answer(bench: Bench) -> None:
    assert bench.watcher.unanswered_s() == 0
    first, second = bench.watcher.watch(waits_for(1)), bench.watcher.watch(waits_for(2))
    bench.now_s += 4
    assert bench.watcher.unanswered_s() == 4
    bench.decide(1)
    first.result(WAIT_S)
    bench.now_s += 3
    assert bench.watcher.unanswered_s() == 3
    bench.decide(2)
    second.result(WAIT_S)
    assert bench.watcher.unanswered_s() == 0


def test_what_nobody_waits_for_any_longer_still_counts_until_it_is_decided(bench: Bench) -> None:
    """Else a gateway that was taken out of service for its lag would never learn that the consumer is back."""
    bench.watcher.watch(waits_for(1)).cancel()
    bench.watcher.watch(waits_for(2)).cancel()
    bench.ledger.wait_until_asked(2)
    bench.now_s += 30
    assert bench.watcher.unanswered_s() == 30
    assert [each.identity for each in bench.ledger.asked[-1]] == [a_decision(1).identity]
    bench.decide(1)
    bench.watcher.watch(waits_for(1)).result(WAIT_S)
    assert bench.watcher.unanswered_s() == 0


def test_what_is_never_decided_counts_for_two_minutes_only(bench: Bench) -> None:
    bench.watcher.watch(waits_for(1)).cancel()
    bench.ledger.wait_until_asked()
    bench.now_s += 121
    waiting = bench.watcher.watch(waits_for(2))
    bench.ledger.wait_until_asked(2)
    assert bench.watcher.unanswered_s() == 0
    bench.decide(2)
    waiting.result(WAIT_S)


def test_a_closed_watcher_asks_no_more(bench: Bench) -> None:
    bench.watcher.watch(waits_for(1))
    bench.ledger.wait_until_asked()
    assert bench.watcher.close()
    asked = len(bench.ledger.asked)
    bench.watcher.watch(waits_for(2))
    assert len(bench.ledger.asked) == asked
