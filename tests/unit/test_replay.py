"""Replays of dead letters on memory sinks: what they settle, what they leave alone, and that no crash makes anything happen twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from consumer.auditing.compare import audit
from consumer.batch import Reader
from consumer.replay import Rehearsal
from schemas.decode import EventTimeBounds
from schemas.position import StreamEpoch, StreamRecord
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.lake.keys import parse_replay_key
from sinks.ledger.memory_outbox import MemoryOutbox
from sinks.port import Delivery
from tests.audit_builders import RISKY, faults
from tests.pipeline_builders import NOW, a_record, an_event
from tests.replay_builders import ReplayWorld, no_retry

OLD = "2026-02-01T12:00:00Z"
LATE = a_record(2, an_event("late", timestamp=OLD))
RECORDS = [a_record(1), LATE, a_record(3)]


def a_world(*records: StreamRecord) -> ReplayWorld:
    """A world that dealt with these records; by default one of three is refused for its time."""
    world = ReplayWorld()
    world.deliver(*(records or RECORDS))
    return world


def test_a_letter_that_the_settings_now_allow_is_decided_stored_and_resolved() -> None:
    world = a_world()
    [replayed] = world.replay()
    [(key, row)] = world.replay_lake.rows.items()
    assert (replayed.outcome, replayed.row) == ("decided", row)
    assert parse_replay_key(key) == row.position == LATE.position
    assert row.arrival_time == LATE.arrival_time
    assert world.store.resolved == {LATE.position}
    report = audit(world.evidence(RECORDS))
    assert (report.is_clean, report.is_complete) == (True, True), report.findings
    assert [report.counts[name] for name in ("decided", "refused", "replayed", "in_lake")] == [3, 0, 1, 3]


def test_what_is_refused_again_keeps_its_first_verdict_and_nothing_is_written() -> None:
    world = a_world()
    before = dict(world.store.refusals)
    [replayed] = world.replay(world.replayer(Reader(EventTimeBounds(before=timedelta(days=1)))))
    assert replayed.outcome == "refused_again"
    assert replayed.refusal is not None
    assert replayed.refusal.reason == "event_time_out_of_bounds"
    assert (world.store.refusals, world.store.resolved, world.replay_lake.rows) == (before, set(), {})
    assert len(world.store.decisions) == 2


@pytest.mark.parametrize(("days", "outcome"), [(27, "refused_again"), (29, "decided")])
def test_the_bounds_are_held_against_the_arrival_whenever_it_is_replayed(days: int, outcome: str) -> None:
    world = a_world()
    reader = Reader(EventTimeBounds(before=timedelta(days=days)))
    replayer = world.replayer(reader, now=lambda: NOW + timedelta(days=365))
    assert world.outcomes(replayer) == [outcome]


def test_an_alert_of_a_replay_is_kept_and_never_told_however_young_it_is() -> None:
    risky = a_record(1, an_event("risky", timestamp=OLD, **RISKY))
    world = a_world(risky)
    [replayed] = world.replay()
    [entry] = world.store.outbox.values()
    assert replayed.alert is not None
    assert (entry.alert_id, entry.state, entry.suppressed_reason) == (replayed.alert.alert_id, "suppressed", "replayed")
    assert MemoryOutbox(world.store, lambda: NOW).claim(10) == []
    report = audit(world.evidence([risky]))
    assert (report.is_clean, report.counts["kept_alerts"]) == (True, 1), report.findings


def test_an_event_that_was_decided_elsewhere_meanwhile_is_resolved_without_a_row() -> None:
    world = a_world()
    worker = world.worker(reader=Reader(bounds=None))  # a deploy that takes old events, and the producer sends it again
    resent = a_record(4, LATE.data)
    world.process(worker, [resent])
    world.stop(worker)
    [replayed] = world.replay()
    assert (replayed.outcome, replayed.alert) == ("repeated", None)
    assert (world.replay_lake.rows, world.store.resolved) == ({}, {LATE.position})
    report = audit(world.evidence([*RECORDS, resent]))
    assert (report.is_clean, report.is_complete, report.counts["repeated"]) == (True, True, 1), report.findings


def test_an_event_that_conflicts_with_what_is_decided_stays_refused() -> None:
    world = a_world(a_record(1, an_event("t")), a_record(2, an_event("t", amount=99)))
    [replayed] = world.replay()
    assert replayed.outcome == "refused_again"
    assert replayed.refusal is not None
    assert replayed.refusal.reason == "conflicting_resend"
    assert world.store.resolved == set()


def test_of_two_letters_with_one_event_one_is_decided_and_the_other_repeats_it() -> None:
    records = [a_record(n, LATE.data) for n in (1, 2)]
    world = a_world(*records)
    assert world.outcomes() == ["decided", "repeated"]
    assert len(world.replay_lake.rows) == 1
    assert faults(world.evidence(records)) == {}


def test_a_masked_letter_is_never_replayed() -> None:
    world = a_world(a_record(1, an_event(card_id="4111111111111111")))
    assert world.outcomes() == ["masked"]
    assert world.store.decisions == {}


def test_a_letter_that_is_not_there_or_is_another_is_left_alone() -> None:
    world = a_world(a_record(1, an_event("a", timestamp=OLD)), a_record(2, an_event("b", timestamp=OLD)))
    first, second = sorted(world.dead_letters.documents)
    world.dead_letters.documents[second] = world.dead_letters.documents.pop(first)
    assert world.outcomes() == ["missing", "damaged"]
    assert world.store.decisions == {}


def test_a_letter_with_another_arrival_than_its_verdict_is_left_alone() -> None:
    world = a_world()
    [delivery] = world.unresolved()
    replayed = world.replayer().replay(delivery._replace(arrival_time=delivery.arrival_time + timedelta(seconds=1)))
    assert (replayed.outcome, len(world.store.decisions)) == ("damaged", 2)


def test_what_the_ledger_refuses_stays_refused() -> None:
    world = a_world()
    world.replay_ledger.refuse_next_row()
    [replayed] = world.replay()
    assert replayed.refusal is not None
    assert (replayed.outcome, replayed.refusal.reason) == ("refused_again", "refused_by_ledger")
    assert (world.store.resolved, world.replay_lake.rows) == (set(), {})


def test_a_record_that_the_ledger_never_refused_is_not_decided_by_a_replay() -> None:
    world = a_world()
    [delivery] = world.unresolved()
    world.store.refusals.clear()
    with pytest.raises(PermanentSinkError, match="is it the ledger of this dead letter"):
        world.replayer().replay(delivery)
    assert len(world.store.decisions) == 2


STEPS = ("look_up", "decide", "put", "resolve")


def _break(world: ReplayWorld, step: str, when: Literal["before", "after"]) -> None:
    if step == "put":
        world.replay_lake.fail_next(when)
    else:
        world.replay_ledger.fail_next(step, when)  # type: ignore[arg-type]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "reader_then", [Reader(bounds=None), Reader()], ids=["same settings", "settings that refuse it"]
)
def test_a_replay_that_died_anywhere_is_finished_by_the_next(
    step: str, when: Literal["before", "after"], reader_then: Reader
) -> None:
    records = [a_record(1, an_event("risky", timestamp=OLD, **RISKY)), a_record(2)]
    world = a_world(*records)
    _break(world, step, when)
    with pytest.raises(TransientSinkError):
        world.replay(world.replayer(retry=no_retry))
    halfway = audit(world.evidence(records))
    assert halfway.is_clean, halfway.findings
    has_begun = (step, when) not in {("look_up", "before"), ("look_up", "after"), ("decide", "before")}
    is_over = (step, when) == ("resolve", "after")
    assert halfway.is_complete == (is_over or not has_begun), "a replay that has not ended is seen, nothing else is"

    world.replay(world.replayer(reader_then))

    ended = audit(world.evidence(records))
    assert (ended.is_clean, ended.is_complete) == (True, True), ended.findings
    if has_begun or reader_then.bounds is None:
        assert [ended.counts[name] for name in ("decided", "replayed", "in_lake", "alerts")] == [2, 1, 2, 1]
    else:
        assert ended.counts["refused"] == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_sink_that_is_away_for_a_moment_is_waited_for(step: str, when: Literal["before", "after"]) -> None:
    world = a_world()
    _break(world, step, when)
    assert world.outcomes() == ["decided"]
    assert faults(world.evidence(RECORDS)) == {}


def test_the_shard_read_again_by_another_owner_leaves_what_was_replayed_alone() -> None:
    world = a_world()
    world.replay()
    rows = list(world.replay_lake.rows.values())
    decisions = dict(world.store.decisions)
    world.lake.objects.clear()  # the worst case: nothing in the lake says that the records were consumed
    owner = world.worker(reader=Reader(bounds=None))
    world.process(owner, RECORDS)
    world.stop(owner)
    assert world.lake_ids() == ["t-1", "t-3"], "the chain holds no row of a refused record, resolved or not"
    assert (world.store.decisions, list(world.replay_lake.rows.values())) == (decisions, rows)
    assert faults(world.evidence(RECORDS)) == {}


def test_a_resend_of_what_was_replayed_is_a_repetition() -> None:
    world = a_world()
    world.replay()
    resent = a_record(4, LATE.data)
    worker = world.worker(reader=Reader(bounds=None))
    world.process(worker, [resent])
    world.stop(worker)
    assert world.lake_ids() == ["t-1", "t-3"]
    assert faults(world.evidence([*RECORDS, resent])) == {}


def test_a_letter_that_another_replay_settled_meanwhile_is_told_so() -> None:
    world = a_world()
    [delivery] = world.unresolved()
    assert world.outcomes() == ["decided"]
    world.store.decisions.pop(
        next(row.identity for row in world.store.decisions.values() if row.position == LATE.position)
    )
    assert world.replayer().replay(delivery).outcome == "settled_before"
    assert len(world.store.decisions) == 2, "what is resolved is never decided again, whatever became of its row"


def test_a_dry_run_tells_what_would_happen_and_writes_nothing() -> None:
    records = [
        a_record(1, an_event("a", timestamp=OLD)),
        a_record(2, an_event("a", timestamp=OLD)),
        a_record(3, an_event("a", timestamp=OLD, amount=99)),
        a_record(4, b"no json"),
    ]
    world = a_world(*records)
    rehearsal = Rehearsal(world.replay_ledger)
    told = world.replay(world.replayer(ledger=rehearsal, lake=rehearsal))
    assert (world.store.decisions, world.store.resolved, world.replay_lake.rows) == ({}, set(), {})
    assert [replayed.outcome for replayed in told] == ["decided", "repeated", "refused_again", "refused_again"]
    assert [one._replace(row=None) for one in world.replay()] == [one._replace(row=None) for one in told]


def test_a_delivery_from_another_epoch_is_another_record() -> None:
    world = a_world()
    [delivery] = world.unresolved()
    other = Delivery(
        delivery.position._replace(stream_epoch=StreamEpoch("20250101T000000Z")), datetime(2025, 1, 1, tzinfo=UTC)
    )
    assert world.replayer().replay(other).outcome == "missing"


def test_an_audit_does_not_take_a_chunk_for_a_replay() -> None:
    world = a_world()
    world.replay()
    evidence = world.evidence(RECORDS)
    chunk = next(row.key for row in evidence.lake if "/replay/" not in row.key)
    moved = [row._replace(key=chunk) if "/replay/" in row.key else row for row in evidence.lake]
    assert faults(replace(evidence, lake=moved)) == {"mismatched": 1}
