"""Two owners of a shard with different code: whoever commits first gives the verdict, and a record never gets both."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.decision import Decision
from sinks.errors import OvertakenError
from sinks.port import Known, Ledger, Refusal
from tests.contract.ledger_builders import a_candidate, a_decision, a_delivery, a_refusal
from tests.contract.ledger_subjects import SUBJECT_NAMES, SUBJECTS, LedgerSubject

ROUNDS = 20
RECORDS = 50


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[LedgerSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def test_a_record_that_was_refused_meanwhile_is_not_decided(subject: LedgerSubject) -> None:
    refused, decision, other = a_refusal(1), a_decision("t-1", offset=1), a_decision("t-2", offset=2)
    subject.new_ledger().commit([], [], [refused])

    with pytest.raises(OvertakenError):
        subject.new_ledger().commit([other, decision], [], [a_refusal(3)])

    known = subject.new_ledger().look_up(
        [a_candidate(decision), a_candidate(other)], [a_delivery(a_refusal(3).position)]
    )
    assert known == Known({}, ()), "nothing of the batch is written"


def test_a_record_that_was_decided_meanwhile_is_not_refused(subject: LedgerSubject) -> None:
    decision = a_decision("t-1", offset=1)
    subject.new_ledger().commit([decision], [], [])
    late = a_refusal(1, arrival_time=decision.arrival_time)

    with pytest.raises(OvertakenError):
        subject.new_ledger().commit([], [], [late])

    assert subject.new_ledger().look_up([], [a_delivery(late.position, late.arrival_time)]) == Known({}, (decision,))


def test_a_record_that_was_refused_otherwise_meanwhile_keeps_the_first_reason(subject: LedgerSubject) -> None:
    first = a_refusal(1)
    subject.new_ledger().commit([], [], [first])

    with pytest.raises(OvertakenError):
        subject.new_ledger().commit([a_decision("t-2", offset=2)], [], [first._replace(reason="invalid_json")])

    known = subject.new_ledger().look_up([a_candidate(a_decision("t-2", offset=2))], [a_delivery(first.position)])
    assert known == Known({first.position: first}, ()), "nothing of the batch is written"


def test_a_record_that_was_refused_between_those_of_a_batch_is_none_of_theirs(subject: LedgerSubject) -> None:
    batch, between = [a_decision("t-1", offset=1), a_decision("t-3", offset=3)], a_refusal(2)
    subject.new_ledger().commit([], [], [between])

    asked = [a_candidate(decision, offset=offset) for decision, offset in zip(batch, (1, 3), strict=True)]
    assert subject.new_ledger().look_up(asked, []) == Known({}, ())
    assert subject.new_ledger().commit(batch, [], []) == {decision.identity: decision for decision in batch}


def test_a_batch_with_both_verdicts_may_be_committed_again(subject: LedgerSubject) -> None:
    decision, refused = a_decision("t-1", offset=1), a_refusal(2)
    subject.new_ledger().commit([decision], [], [refused])

    assert subject.new_ledger().commit([decision], [], [refused]) == {decision.identity: decision}


def test_owners_that_race_give_each_record_one_verdict(subject: LedgerSubject) -> None:
    decider, refuser = subject.new_ledger(), subject.new_ledger()
    with ThreadPoolExecutor(2) as pool:
        for round_ in range(ROUNDS):
            offsets = range(round_ * RECORDS, (round_ + 1) * RECORDS)
            decisions = [a_decision(f"t-{offset}", offset=offset) for offset in offsets]
            refusals = [
                a_refusal(offset, arrival_time=d.arrival_time) for offset, d in zip(offsets, decisions, strict=True)
            ]
            committed = [pool.submit(_commits, decider, decisions, []), pool.submit(_commits, refuser, [], refusals)]
            assert sorted(each.result() for each in committed) == [False, True], (
                "one comes first, the other is overtaken"
            )


def _commits(ledger: Ledger, decisions: list[Decision], refusals: list[Refusal]) -> bool:
    try:
        ledger.commit(decisions, [], refusals)
    except OvertakenError:
        return False
    return True
