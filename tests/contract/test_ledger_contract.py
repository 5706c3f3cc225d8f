"""The ledger's promises, held to memory and PostgreSQL alike: first write wins, first verdict wins, all of a batch or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from schemas.dead_letter import FieldError
from schemas.decision import Decision
from sinks.errors import DataRefusedError, OvertakenError, TransientSinkError
from sinks.port import Candidate, Known
from tests.builders import NOW
from tests.contract.ledger_builders import (
    a_candidate,
    a_decision,
    a_delivery,
    a_refusal,
    a_risky_decision,
    an_alert,
    float32,
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


def test_an_empty_batch_changes_nothing_and_knows_nothing(subject: LedgerSubject) -> None:
    ledger = subject.new_ledger()

    assert ledger.commit([], [], []) == {}
    assert ledger.look_up([], []) == Known({}, ())


def test_new_decisions_are_effective_as_they_are(subject: LedgerSubject) -> None:
    decisions = [a_decision("b", offset=1), a_risky_decision("a", offset=2)]

    effective = subject.new_ledger().commit(decisions, [], [])

    assert effective == {decision.identity: decision for decision in decisions}
    assert list(effective) == [decision.identity for decision in decisions]


def test_a_decision_is_read_back_equal_in_value_and_type(subject: LedgerSubject) -> None:
    decision = a_risky_decision(score=float32(0.6), previous_transactions_count=2**31 - 1)
    subject.new_ledger().commit([decision], [], [])

    (found,) = known_of(subject, decision).decisions

    assert found == decision
    assert [type(value) for value in found] == [type(value) for value in decision]
    assert found.event_time.tzinfo is UTC
    assert found.amount.as_tuple() == decision.amount.as_tuple()


def test_the_first_write_wins_whatever_model_comes_later(subject: LedgerSubject) -> None:
    first = a_decision(model_version="model-1", score=float32(0.2))
    second = a_decision(model_version="model-2", score=float32(0.9), offset=5)
    subject.new_ledger().commit([first], [], [])

    effective = subject.new_ledger().commit([second], [], [])

    assert effective == {first.identity: first}


def test_a_batch_may_hold_new_and_known_decisions(subject: LedgerSubject) -> None:
    known = a_decision("known")
    subject.new_ledger().commit([known], [], [])
    again, new = known._replace(model_version="model-2"), a_decision("new", model_version="model-2", offset=1)

    effective = subject.new_ledger().commit([new, again], [], [])

    assert effective == {new.identity: new, known.identity: known}


def test_another_event_time_is_another_event(subject: LedgerSubject) -> None:
    first = a_decision()
    second = first._replace(event_time=first.event_time + MILLISECOND, model_version="model-2")
    subject.new_ledger().commit([first], [], [])

    assert subject.new_ledger().commit([second], [], []) == {second.identity: second}
    assert set(known_of(subject, first).decisions) == {first, second}


def test_an_alert_is_born_with_its_decision_and_never_again(subject: LedgerSubject) -> None:
    decision = a_risky_decision()
    first = an_alert(decision)
    ledger = subject.new_ledger()
    ledger.commit([decision], [first], [])

    ledger.commit([decision._replace(model_version="model-2")], [first, an_alert(decision, rule="velocity")], [])

    assert subject.alert_ids() == {str(first.alert_id)}


def test_an_alert_without_its_decision_is_dropped(subject: LedgerSubject) -> None:
    decision = a_risky_decision()
    stranger = an_alert(a_risky_decision("another"))

    subject.new_ledger().commit([decision], [stranger], [])

    assert subject.alert_ids() == set()


def test_the_first_verdict_wins(subject: LedgerSubject) -> None:
    first = a_refusal(reason="invalid_json", errors=())
    subject.new_ledger().commit([], [], [first])

    with pytest.raises(OvertakenError):
        subject.new_ledger().commit([], [], [a_refusal(reason="empty_record")])
    subject.new_ledger().commit([], [], [first])

    known = subject.new_ledger().look_up([], [a_delivery(first.position)])
    assert known.refusals == {first.position: first}


def test_a_verdict_that_quotes_hostile_text_is_kept(subject: LedgerSubject) -> None:
    hostile = a_refusal(errors=(FieldError(field="a\0b", message="no \ud800 field 'x' \U0001f4a3"),))
    subject.new_ledger().commit([], [], [hostile])

    known = subject.new_ledger().look_up([], [a_delivery(hostile.position)])

    assert known.refusals[hostile.position].errors == (
        FieldError(field="a\N{REPLACEMENT CHARACTER}b", message="no ? field 'x' \U0001f4a3"),
    )


BAD_ROWS = {
    "nul": {"merchant_id": "a\0b"},
    "lone surrogate": {"location_city": "a\ud800b"},
    "too long": {"user_id": "u" * 129},
    "nan": {"amount": Decimal("NaN")},
    "infinite": {"amount": Decimal("Infinity")},
    "negative": {"amount": Decimal("-0.01")},
    "too large": {"amount": Decimal("1E16")},
    "score above one": {"score": 1.5},
    "score nan": {"score": float("nan")},
    "count beyond 32 bits": {"previous_transactions_count": 2**31},
    "hour beyond 16 bits": {"local_hour": 70_000},
    "short hash": {"content_hash": b"short"},
}


@pytest.mark.parametrize("changes", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_batch_with_a_bad_row_is_refused_whole(subject: LedgerSubject, changes: dict[str, object]) -> None:
    good, bad, refusal = a_risky_decision("good"), a_decision("bad", offset=1, **changes), a_refusal(2)
    ledger = subject.new_ledger()

    with pytest.raises(DataRefusedError):
        ledger.commit([good, bad], [an_alert(good)], [refusal])

    known = ledger.look_up([a_candidate(good)], [a_delivery(refusal.position)])
    assert known == Known({}, ())
    assert subject.alert_ids() == set()


def test_after_a_refused_batch_the_good_part_can_be_committed(subject: LedgerSubject) -> None:
    good, bad = a_decision("good"), a_decision("bad", amount=Decimal("NaN"))
    ledger = subject.new_ledger()
    with pytest.raises(DataRefusedError):
        ledger.commit([good, bad], [], [])

    assert ledger.commit([good], [], []) == {good.identity: good}


def test_a_batch_whose_answer_was_lost_is_committed_again_without_a_second_effect(subject: LedgerSubject) -> None:
    fragile = subject.new_fragile_ledger()
    decision = a_risky_decision()
    alert, refusal = an_alert(decision), a_refusal(1)
    fragile.ledger.look_up([a_candidate(decision)], [])
    fragile.lose_next_answer()
    with pytest.raises(TransientSinkError):
        fragile.ledger.commit([decision], [alert], [refusal])
    assert known_of(subject, decision).decisions == (decision,)

    effective = fragile.ledger.commit([decision._replace(scored_at=NOW + HORIZON)], [alert], [refusal])

    assert effective == {decision.identity: decision}
    assert subject.alert_ids() == {str(alert.alert_id)}
