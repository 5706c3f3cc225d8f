from __future__ import annotations

import json
from datetime import timedelta

import pytest

from consumer.batch import Reader
from consumer.policies.quarantine import QuarantineLimitExceeded, QuarantinePolicy
from consumer.scoring.scorer import Scored, Scorer
from schemas.position import Position
from tests.pipeline_builders import NOW, SCORER, World, a_record, an_event

RISKY = {
    "amount": 0,
    "channel": "online",
    "merchant_category": "gift_cards",
    "device_info": {"device_type": "emulator", "ip_address": "203.0.113.5"},
}


def test_every_record_becomes_a_decision_in_the_ledger_and_the_lake() -> None:
    world = World()
    worker = world.worker()
    world.process(worker, [a_record(n) for n in (1, 2, 3)])
    world.stop(worker)
    assert {row.transaction_id for row in world.store.decisions.values()} == {"t-1", "t-2", "t-3"}
    assert world.lake_ids() == ["t-1", "t-2", "t-3"]


def test_nothing_is_checkpointed_before_its_chunk_stands() -> None:
    world = World()
    worker = world.worker()
    world.process(worker, [a_record(1), a_record(2)])
    assert world.checkpoints.positions == []
    world.clock_s = 61.0
    world.process(worker, [])
    assert world.checkpoints.positions == [Position(2)]


def test_the_end_of_the_shard_is_checkpointed_after_the_last_chunk() -> None:
    world = World()
    worker = world.worker()
    world.process(worker, [a_record(1)])
    worker.shard_ended(world.checkpoints)
    assert world.checkpoints.positions == [Position(1), "SHARD_END"]


def test_a_bad_record_becomes_a_dead_letter_and_the_good_ones_go_on() -> None:
    world = World()
    worker = world.worker()
    world.process(worker, [a_record(1), a_record(2, b"no json"), a_record(3)])
    world.stop(worker)
    assert world.refusals() == {2: "invalid_json"}
    [letter] = world.dead_letters.letters()
    assert (letter.raw, letter.stage, letter.reason, letter.sequence_number) == (
        b"no json",
        "decode",
        "invalid_json",
        "2",
    )
    assert world.lake_ids() == ["t-1", "t-3"]
    assert world.checkpoints.positions == [Position(3)]


def test_a_repetition_has_no_second_effect() -> None:
    world = World()
    worker = world.worker()
    world.process(worker, [a_record(1, an_event("t")), a_record(2, an_event("t"))])
    world.process(worker, [a_record(3, an_event("t"))])
    world.stop(worker)
    assert (len(world.store.decisions), world.lake_ids(), world.refusals()) == (1, ["t"], {})


@pytest.mark.parametrize("change", [{"amount": 99}, {"timestamp": "2026-03-01T12:00:01Z"}])
@pytest.mark.parametrize("is_same_batch", [True, False])
def test_a_resend_with_other_content_is_refused_and_the_first_stands(
    change: dict[str, object], is_same_batch: bool
) -> None:
    world = World()
    worker = world.worker()
    first, resent = a_record(1, an_event("t")), a_record(2, an_event("t", **change))
    for batch in [[first, resent]] if is_same_batch else [[first], [resent]]:
        world.process(worker, batch)
    assert world.refusals() == {2: "conflicting_resend"}
    assert [row.position.sequence_number for row in world.store.decisions.values()] == [1]


def test_the_same_id_beyond_the_horizon_is_another_transaction() -> None:
    world = World(horizon=timedelta(minutes=1))
    worker = world.worker()
    world.process(worker, [a_record(1, an_event("t")), a_record(2, an_event("t", timestamp="2026-03-01T11:58:59Z"))])
    assert (len(world.store.decisions), world.refusals()) == (2, {})


def test_a_replay_reproduces_the_first_decision_and_adopts_what_stands() -> None:
    world = World()
    records = [a_record(n) for n in (1, 2, 3)]
    first = world.worker()
    world.process(first, records[:2])
    world.stop(first)
    second = world.worker()
    world.process(second, records)
    world.stop(second)
    assert world.lake_ids() == ["t-1", "t-2", "t-3"]
    assert len(world.store.decisions) == 3


def test_an_answer_lost_in_commit_changes_nothing() -> None:
    world = World()
    worker = world.worker()
    world.ledger.lose_next_answer()
    world.process(worker, [a_record(1), a_record(2)])
    world.stop(worker)
    assert world.lake_ids() == ["t-1", "t-2"]


def test_a_record_that_the_ledger_refuses_is_found_and_set_aside_alone() -> None:
    world = World()
    worker = world.worker()
    world.ledger.refuse_transaction("t-3")
    world.process(worker, [a_record(n) for n in range(1, 8)])
    world.stop(worker)
    assert world.refusals() == {3: "refused_by_ledger"}
    assert world.lake_ids() == ["t-1", "t-2", "t-4", "t-5", "t-6", "t-7"]


class BrokenFor(Scorer):
    """Scores as ever, but breaks on one transaction, or on one amount of it."""

    def __init__(self, transaction_id: str, amount: str | None = None) -> None:
        self.__dict__.update(SCORER.__dict__)
        self._broken, self._amount = transaction_id, amount

    def score(self, transactions, memory=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        if any(t.transaction_id == self._broken and self._amount in {None, str(t.amount)} for t in transactions):
            raise ZeroDivisionError
        return super().score(transactions, memory)


def test_a_record_that_breaks_the_scoring_is_found_and_set_aside_alone() -> None:
    world = World()
    worker = world.worker(scorer=BrokenFor("t-2"))
    world.process(worker, [a_record(n) for n in (1, 2, 3)])
    assert world.refusals() == {2: "processing_failed"}
    assert len(world.store.decisions) == 2


def test_a_verdict_survives_a_deploy_both_ways() -> None:
    world = World()
    old = world.worker(reader=Reader(bounds=None))
    late = a_record(1, an_event("late", timestamp="2025-01-01T00:00:00Z"))
    world.process(old, [late, a_record(2, b"bad")])
    new = world.worker()  # refuses late events, and would refuse what was decided
    world.process(new, [late, a_record(2, an_event("now-readable")), a_record(3)])
    world.stop(new)
    assert world.refusals() == {2: "invalid_json"}
    assert world.lake_ids() == ["late", "t-3"]


def test_event_time_is_held_against_the_arrival() -> None:
    world = World()
    late = (NOW - timedelta(days=7, seconds=1)).isoformat()
    world.process(world.worker(), [a_record(1, an_event("late", timestamp=late))])
    assert world.refusals() == {1: "event_time_out_of_bounds"}


def test_the_brake_stops_before_anything_of_the_batch_is_written() -> None:
    world = World()
    worker = world.worker(quarantine=QuarantinePolicy(max_consecutive=3))
    with pytest.raises(QuarantineLimitExceeded, match="3 records in a row"):
        world.process(worker, [a_record(n, b"bad") for n in (1, 2, 3)])
    assert (world.refusals(), list(world.dead_letters.letters()), world.checkpoints.positions) == ({}, [], [])


def test_the_brake_sees_what_the_ledger_refuses_before_it_is_written() -> None:
    world = World()
    worker = world.worker(quarantine=QuarantinePolicy(max_consecutive=3))
    for number in range(1, 6):
        world.ledger.refuse_transaction(f"t-{number}")
    with pytest.raises(QuarantineLimitExceeded):
        world.process(worker, [a_record(n) for n in range(1, 6)])
    assert (world.refusals(), world.checkpoints.positions) == ({}, [])


def test_the_brake_remembers_refusals_that_are_delivered_again() -> None:
    world = World()
    policy = QuarantinePolicy(max_consecutive=4)
    records = [a_record(n, b"bad") for n in range(1, 6)]
    world.process(world.worker(quarantine=policy), records[:3])
    restarted = world.worker(quarantine=policy)
    world.process(restarted, records[:3])
    with pytest.raises(QuarantineLimitExceeded):
        world.process(restarted, records[3:])


def test_a_repetition_of_an_event_that_is_refused_is_judged_by_itself() -> None:
    world = World()
    world.ledger.refuse_transaction("t")
    world.process(world.worker(), [a_record(1, an_event("t")), a_record(2, an_event("t")), a_record(3)])
    assert world.refusals() == {1: "refused_by_ledger", 2: "refused_by_ledger"}


def test_another_content_is_no_conflict_with_an_event_that_was_never_decided() -> None:
    world = World()
    worker = world.worker(scorer=BrokenFor("t", amount="12.30"))
    world.process(worker, [a_record(1, an_event("t")), a_record(2, an_event("t", amount=5))])
    assert world.refusals() == {1: "processing_failed"}
    assert [row.position.sequence_number for row in world.store.decisions.values()] == [2]


def test_the_very_same_event_is_a_repetition_whatever_else_has_its_id() -> None:
    world = World(horizon=timedelta(minutes=40))
    worker = world.worker()
    world.process(worker, [a_record(1, an_event("t"))])
    [row] = world.store.decisions.values()
    world.store.decisions[row.identity._replace(event_time=row.event_time - timedelta(minutes=30))] = row._replace(
        event_time=row.event_time - timedelta(minutes=30), sequence_number="99"
    )  # what another shard decided after its own look-up
    world.process(worker, [a_record(2, an_event("t"))])
    assert world.refusals() == {}


def test_many_events_of_one_id_in_a_batch_leave_one_decision_and_name_every_conflict() -> None:
    world = World()
    events = [an_event("t", amount=1 + n % 3) for n in range(9)]
    world.process(world.worker(), [a_record(n, event) for n, event in enumerate(events)])
    assert len(world.store.decisions) == 1
    assert sorted(world.refusals()) == [1, 2, 4, 5, 7, 8]


def test_a_risky_event_raises_one_alert_however_often_it_is_replayed() -> None:
    world = World()
    records = [a_record(n, an_event(f"risky-{n}", **RISKY)) for n in range(1, 4)]
    for _ in range(2):
        world.process(world.worker(), records)
    alerting = [row for row in world.store.decisions.values() if row.risk_level in {"high", "critical"}]
    assert len(world.store.outbox) == len(alerting) == 3
    assert all(row.reasons for row in alerting)


def test_scored_times_never_precede_the_reception() -> None:
    world = World()
    world.process(world.worker(), [a_record(1)])
    [row] = world.store.decisions.values()
    assert row.received_at <= row.scored_at
    assert row.received_at.microsecond % 1000 == 0


def test_a_card_number_is_masked_in_the_dead_letter() -> None:
    world = World()
    world.process(world.worker(), [a_record(1, an_event(card_id="4111111111111111"))])
    [letter] = world.dead_letters.letters()
    assert letter.is_masked
    assert json.loads(letter.raw)["card_id"] == "masked-1111"
    assert letter.reason == "looks_like_card_number"


def test_scored_is_what_the_row_says() -> None:
    world = World()
    world.process(world.worker(), [a_record(1)])
    [row] = world.store.decisions.values()
    [scored] = SCORER.score([Reader().read(a_record(1)).transaction])  # type: ignore[union-attr]
    assert isinstance(scored, Scored)
    assert (row.score, row.features, row.risk_level) == (scored.score, scored.features, scored.risk_level)
