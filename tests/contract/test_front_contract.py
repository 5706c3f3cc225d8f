"""The front door's promises, held to memory and PostgreSQL alike: the first reservation of an id wins, and all is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from schemas.decision import Decision, Identity
from sinks.errors import DataRefusedError, TransientSinkError
from sinks.front import Found, FrontLedger, Pending, Reservation, Standing
from tests.builders import NOW
from tests.contract.front_subjects import SUBJECTS, FrontSubject
from tests.contract.ledger_builders import a_decision, a_position, a_refusal, a_risky_decision
from tests.contract.ledger_subjects import SUBJECT_NAMES

HORIZON = timedelta(hours=24)
MILLISECOND = timedelta(milliseconds=1)
OTHER_HASH = b"another content!"


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[FrontSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


@pytest.fixture
def front(subject: FrontSubject) -> FrontLedger:
    return subject.new_front()


def of(decision: Decision, later_by: timedelta = timedelta()) -> Reservation:
    return Reservation(decision.transaction_id, decision.event_time + later_by, decision.content_hash)


def standing(front: FrontLedger, asked: Reservation) -> Standing:
    [answer] = front.reserve([asked])
    return answer


def test_the_first_reservation_of_an_id_wins(subject: FrontSubject) -> None:
    first = of(a_decision())
    later, other = of(a_decision(), MILLISECOND), first._replace(content_hash=OTHER_HASH)

    answers = [standing(subject.new_front(), asked) for asked in (first, later, other, first)]

    assert answers == [Standing(first, True, ()), *[Standing(first, False, ())] * 3]


def test_a_batch_is_answered_in_the_order_asked(front: FrontLedger) -> None:
    asked = [of(a_decision(f"t-{number}")) for number in (7, 3, 11, 5)]
    front.reserve(asked[1:2])

    answers = front.reserve(asked)

    assert [answer.reservation for answer in answers] == asked
    assert [answer.is_new for answer in answers] == [True, False, True, True]


def test_inside_a_batch_the_first_asked_wins(front: FrontLedger) -> None:
    asked = [of(a_decision("t-2"), timedelta(hours=n)) for n in (3, 1, 2)] + [of(a_decision("t-1"))] * 2

    answers = front.reserve(asked)

    assert [answer.is_new for answer in answers] == [True, False, False, True, False]
    assert [answer.reservation for answer in answers] == [asked[0]] * 3 + [asked[3]] * 2


def test_ids_are_not_confused(front: FrontLedger) -> None:
    asked = [of(a_decision(name)) for name in ("t-1", "T-1", "t-10", "t-1 ", "", "ü", "u\u0308", "\U0001f600" * 128)]

    assert front.reserve(asked) == [Standing(each, True, ()) for each in asked]


def test_nothing_asked_is_answered_by_nothing(front: FrontLedger) -> None:
    assert list(front.reserve([])) == []
    assert front.settled([]) == {}


def test_decisions_come_with_the_reservation_that_stands(subject: FrontSubject, front: FrontLedger) -> None:
    decision = a_risky_decision("t-1")
    front.reserve([of(decision)])
    subject.new_ledger().commit([decision, a_decision("t-2", offset=1)], [], [])

    assert standing(front, of(decision, timedelta(days=5))) == Standing(of(decision), False, (decision,))


def test_an_id_that_was_decided_without_a_reservation_is_not_reserved(
    subject: FrontSubject, front: FrontLedger
) -> None:
    decisions = [a_decision(offset=n, event_time=NOW + n * timedelta(hours=5)) for n in (2, 0, 1)]
    subject.new_ledger().commit(decisions, [], [])

    answers = front.reserve([of(decisions[1]), of(a_decision("new"))])

    assert answers[0] == Standing(None, False, (decisions[1], decisions[2], decisions[0]))
    assert answers[1].is_new
    assert front.find("t-1").reservation is None


@pytest.mark.parametrize("distance", [HORIZON, -HORIZON])
def test_a_decision_within_the_horizon_stands(subject: FrontSubject, front: FrontLedger, distance: timedelta) -> None:
    decision = a_decision()
    subject.new_ledger().commit([decision], [], [])

    assert standing(front, of(decision, distance)) == Standing(None, False, (decision,))


@pytest.mark.parametrize("distance", [HORIZON + MILLISECOND, -HORIZON - MILLISECOND])
def test_a_decision_beyond_the_horizon_is_another_transactions(
    subject: FrontSubject, front: FrontLedger, distance: timedelta
) -> None:
    decision = a_decision()
    subject.new_ledger().commit([decision], [], [])
    asked = of(decision, distance)

    assert standing(front, asked) == Standing(asked, True, ())
    assert standing(front, of(decision)) == Standing(asked, False, ())


def test_a_lost_answer_leaves_the_reservation_and_a_second_call_is_told_so(subject: FrontSubject) -> None:
    front, lose_next_answer = subject.new_fragile_front()
    asked = of(a_decision())
    lose_next_answer()

    with pytest.raises(TransientSinkError):
        front.reserve([asked])

    assert standing(front, asked) == Standing(asked, False, ())


@pytest.mark.parametrize(
    "wrong",
    [
        of(a_decision("t\0")),
        of(a_decision("t\ud800")),
        of(a_decision("t" * 129)),
        of(a_decision())._replace(content_hash=b"short"),
    ],
)
def test_a_batch_with_a_row_that_is_refused_writes_nothing(front: FrontLedger, wrong: Reservation) -> None:
    good = of(a_decision("good"))

    with pytest.raises(DataRefusedError):
        front.reserve([good, wrong])

    assert standing(front, good).is_new


def test_of_gateways_that_reserve_the_same_ids_at_once_one_is_first(subject: FrontSubject) -> None:
    asked = [[of(a_decision(f"t-{n}"), gateway * MILLISECOND) for n in range(200)] for gateway in range(4)]
    orders = [asked[0], asked[1][::-1], asked[2][100:] + asked[2][:100], asked[3]]
    fronts = [subject.new_front() for _ in orders]

    with ThreadPoolExecutor(len(orders)) as pool:
        answers = [each for one in pool.map(lambda f, a: f.reserve(a), fronts, orders) for each in one]

    new = [each.reservation for each in answers if each.is_new]
    assert len(new) == len({each.transaction_id for each in new if each}) == 200
    assert {each.reservation for each in answers} == set(new)


def test_what_is_decided_is_settled_and_what_is_not_yet_is_not(subject: FrontSubject, front: FrontLedger) -> None:
    decided, waiting = a_risky_decision("t-1"), a_decision("t-2", offset=1)
    others = [a_decision("t-1", offset=2, event_time=NOW + MILLISECOND), a_decision("t-3", offset=3)]
    subject.new_ledger().commit([decided, *others], [], [])
    asked = [Pending(waiting.identity, waiting.position), Pending(decided.identity, a_position(9))]

    assert front.settled(asked) == {decided.identity: decided}
    assert front.settled([Pending(each.identity, None) for each in (decided, waiting)]) == {decided.identity: decided}
    assert front.settled(asked[:1]) == {}


def test_a_refusal_settles_what_waits_at_its_position(subject: FrontSubject, front: FrontLedger) -> None:
    refusal = a_refusal(4, reason="conflicting_resend")
    subject.new_ledger().commit([], [], [refusal])
    here, beside, nowhere = Identity("t-1", NOW), Identity("t-2", NOW), Identity("t-3", NOW)
    asked = [Pending(here, refusal.position), Pending(beside, a_position(5)), Pending(nowhere, None)]

    assert front.settled(asked) == {here: refusal}


def test_a_decision_of_the_identity_wins_over_a_refusal_at_a_position(
    subject: FrontSubject, front: FrontLedger
) -> None:
    decision, refusal = a_decision(), a_refusal(7)
    subject.new_ledger().commit([decision], [], [refusal])
    twice: Sequence[Pending] = [Pending(decision.identity, refusal.position), Pending(decision.identity, a_position())]

    assert front.settled(twice) == front.settled(twice[::-1]) == {decision.identity: decision}


def test_one_call_settles_many_that_were_refused_and_decided(subject: FrontSubject, front: FrontLedger) -> None:
    decisions = [a_decision(f"t-{n}", offset=n) for n in range(300)]
    refusals = [a_refusal(n) for n in range(300, 600)]
    subject.new_ledger().commit(decisions, [], refusals)
    refused = {Identity(f"t-{n}", NOW): refusal for n, refusal in enumerate(refusals, 300)}
    asked = [Pending(identity, refusal.position) for identity, refusal in refused.items()]

    settled = front.settled(asked + [Pending(each.identity, each.position) for each in decisions])

    assert settled == refused | {each.identity: each for each in decisions}


def test_all_that_is_known_of_an_id_is_found(subject: FrontSubject, front: FrontLedger) -> None:
    decisions = [a_decision(offset=n, event_time=NOW + n * timedelta(days=3)) for n in (1, -1, 0)]
    front.reserve([of(decisions[2]), of(a_decision("t-2"))])
    subject.new_ledger().commit([*decisions, a_decision("t-3")], [], [])

    assert front.find("t-1") == Found((decisions[1], decisions[2], decisions[0]), of(decisions[2]))
    assert front.find("t-2") == Found((), of(a_decision("t-2")))
    assert front.find("t-3") == Found((a_decision("t-3"),), None)


@pytest.mark.parametrize("unknown", ["t-9", "", "t\0", "t\ud800", "t" * 100_000])
def test_an_unknown_id_is_found_with_nothing(front: FrontLedger, unknown: str) -> None:
    assert front.find(unknown) == Found((), None)


def test_a_front_can_be_closed_and_used_again(front: FrontLedger) -> None:
    front.check()
    front.close()
    front.close()

    assert standing(front, of(a_decision())).is_new
