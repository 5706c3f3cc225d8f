"""What a look-up finds: verdicts at positions, transactions within the horizon, decided records that are unreadable now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from schemas.decision import Decision, Identity
from schemas.position import ShardId, StreamEpoch
from sinks.port import Candidate, Known
from tests.builders import NOW
from tests.contract.ledger_builders import (
    a_candidate,
    a_decision,
    a_delivery,
    a_position,
    a_refusal,
)
from tests.contract.ledger_subjects import SUBJECT_NAMES, SUBJECTS, LedgerSubject

HORIZON = timedelta(hours=24)
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[LedgerSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def known_of(subject: LedgerSubject, *decisions: Decision) -> Known:
    return subject.new_ledger().look_up([Candidate(d.identity, d.position) for d in decisions], [])


def test_a_refusal_is_found_at_its_position_by_readable_and_unreadable(subject: LedgerSubject) -> None:
    read, unread, elsewhere = a_refusal(1), a_refusal(2, reason="invalid_json", errors=()), a_refusal(3)
    subject.new_ledger().commit([], [], [elsewhere, unread, read])
    candidate = Candidate(Identity("t-1", NOW), read.position)

    known = subject.new_ledger().look_up([candidate], [a_delivery(unread.position)])

    assert known == Known({read.position: read, unread.position: unread}, ())


def test_positions_of_an_aggregate_are_refused_apart(subject: LedgerSubject) -> None:
    refused = a_refusal(position=a_position(sub_sequence=2))
    subject.new_ledger().commit([], [], [refused])

    known = subject.new_ledger().look_up([], [a_delivery(a_position(sub_sequence=i)) for i in range(4)])

    assert set(known.refusals) == {refused.position}


@pytest.mark.parametrize("distance", [HORIZON, -HORIZON, timedelta()])
def test_a_look_up_finds_the_transaction_within_the_horizon(subject: LedgerSubject, distance: timedelta) -> None:
    decision = a_decision()
    subject.new_ledger().commit([decision], [], [])

    known = subject.new_ledger().look_up([a_candidate(decision, later_by=distance)], [])

    assert known.decisions == (decision,)


@pytest.mark.parametrize("distance", [HORIZON + MILLISECOND, -HORIZON - MILLISECOND])
def test_a_look_up_does_not_see_beyond_the_horizon(subject: LedgerSubject, distance: timedelta) -> None:
    decision = a_decision()
    subject.new_ledger().commit([decision], [], [])

    # The other candidate widens the batch's bounds: each row must be held to its own horizon all the same.
    known = subject.new_ledger().look_up(
        [a_candidate(decision, later_by=distance), a_candidate(a_decision("other"))], []
    )

    assert known.decisions == ()


def test_a_look_up_does_not_confuse_transactions(subject: LedgerSubject) -> None:
    decision = a_decision("t-1")
    subject.new_ledger().commit([decision], [], [])

    assert known_of(subject, a_decision("t-10"), a_decision("T-1"), a_decision("")).decisions == ()


def test_a_row_that_several_ask_for_comes_once(subject: LedgerSubject) -> None:
    decision = a_decision()
    subject.new_ledger().commit([decision], [], [])
    candidates = [a_candidate(decision), a_candidate(decision, later_by=MILLISECOND)]

    known = subject.new_ledger().look_up(candidates, [a_delivery(decision.position, decision.arrival_time)])

    assert known.decisions == (decision,)


def test_a_decided_record_that_is_unreadable_now_is_found_by_its_position(subject: LedgerSubject) -> None:
    decided, neighbour = a_decision("t-1", offset=1), a_decision("t-2", offset=2)
    subject.new_ledger().commit([decided, neighbour], [], [])
    elsewhere = a_delivery(a_position(3), decided.arrival_time)

    known = subject.new_ledger().look_up([], [a_delivery(decided.position, decided.arrival_time), elsewhere])

    assert known == Known({}, (decided,))


def test_a_position_is_found_among_many_that_arrived_in_the_same_millisecond(subject: LedgerSubject) -> None:
    crowd = [a_decision(f"t-{number}", offset=number, arrival_time=NOW) for number in range(300)]
    subject.new_ledger().commit(crowd, [], [])
    asked = [crowd[299], crowd[7], crowd[150]]
    others = [
        a_delivery(a_position(7, sub_sequence=1)),
        a_delivery(a_position(7, shard_id=ShardId("shardId-000000000004"))),
        a_delivery(a_position(7, stream_epoch=StreamEpoch("20260802T000000Z"))),
        a_delivery(a_position(7), NOW + MILLISECOND),
        a_delivery(a_position(300)),
    ]

    known = subject.new_ledger().look_up([], [*(a_delivery(row.position) for row in asked), *others])

    assert sorted(known.decisions) == sorted(asked)


def test_positions_of_far_apart_arrivals_are_found_at_once(subject: LedgerSubject) -> None:
    days = [NOW - timedelta(days=400), NOW - timedelta(days=7), NOW, NOW + timedelta(days=400)]
    rows = [a_decision(f"t-{n}", offset=n, event_time=day, arrival_time=day) for n, day in enumerate(days)]
    subject.new_ledger().commit(rows, [], [])

    known = subject.new_ledger().look_up([], [a_delivery(row.position, row.arrival_time) for row in rows])

    assert set(known.decisions) == set(rows)


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_are_times_like_any_other(subject: LedgerSubject, year: int) -> None:
    month, day = (1, 1) if year == 1 else (12, 31)
    decision = a_decision(event_time=datetime(year, month, day, tzinfo=UTC))

    assert subject.new_ledger().commit([decision], [], []) == {decision.identity: decision}
    assert known_of(subject, decision).decisions == (decision,)
