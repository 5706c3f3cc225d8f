"""What a reservation means for a request: new, the same again, or another event under the same id."""

from __future__ import annotations

from datetime import timedelta

import pytest

from producers.gateway.outcomes import Conflicting, Decided
from producers.gateway.reservations import ToPublish, judge
from sinks.front import Reservation, Standing
from tests.builders import NOW, PLAIN_DECISION

SAME, OTHER = b"s" * 16, b"o" * 16
LATER = NOW + timedelta(hours=1)
ASKED = Reservation("t-1", NOW, SAME)
USED = Conflicting({"transaction_id": "was used before for another event"})
DECISION = PLAIN_DECISION._replace(transaction_id="t-1", event_time=NOW, content_hash=SAME)


def test_a_new_reservation_is_published_and_no_duplicate() -> None:
    standing = Standing(ASKED, is_new=True, decisions=())
    assert judge(ASKED, standing, is_time_given=True) == ToPublish(NOW, is_duplicate=False)


@pytest.mark.parametrize("is_time_given", [True, False])
def test_the_same_event_that_is_not_decided_is_published_again(is_time_given: bool) -> None:
    standing = Standing(ASKED, is_new=False, decisions=())
    assert judge(ASKED, standing, is_time_given=is_time_given) == ToPublish(NOW, is_duplicate=True)


def test_without_a_time_of_its_own_a_retry_takes_the_first_one() -> None:
    standing = Standing(ASKED, is_new=False, decisions=())
    later = ASKED._replace(event_time=LATER)
    assert judge(later, standing, is_time_given=False) == ToPublish(NOW, is_duplicate=True)


def test_another_time_that_is_given_is_another_event() -> None:
    standing = Standing(ASKED, is_new=False, decisions=())
    verdict = judge(ASKED._replace(event_time=LATER), standing, is_time_given=True)
    assert verdict == Conflicting({"timestamp": "was 2026-08-12T10:30:00.000Z when this transaction_id was first used"})


@pytest.mark.parametrize("is_time_given", [True, False])
def test_another_content_is_another_event(is_time_given: bool) -> None:
    standing = Standing(ASKED, is_new=False, decisions=())
    assert judge(ASKED._replace(content_hash=OTHER), standing, is_time_given=is_time_given) == USED


@pytest.mark.parametrize("reservation", [ASKED, None], ids=["reserved", "never reserved"])
@pytest.mark.parametrize("is_time_given", [True, False])
def test_what_is_decided_is_answered_at_once(reservation: Reservation | None, is_time_given: bool) -> None:
    standing = Standing(reservation, is_new=False, decisions=(DECISION,))
    assert judge(ASKED, standing, is_time_given=is_time_given) == Decided(DECISION, is_duplicate=True)


def test_without_a_time_of_its_own_a_decision_at_another_time_is_the_answer() -> None:
    standing = Standing(None, is_new=False, decisions=(DECISION,))
    asked = ASKED._replace(event_time=LATER)
    assert judge(asked, standing, is_time_given=False) == Decided(DECISION, is_duplicate=True)


def test_a_decision_on_the_same_content_at_another_time_conflicts_with_a_time_that_is_given() -> None:
    standing = Standing(None, is_new=False, decisions=(DECISION,))
    verdict = judge(ASKED._replace(event_time=LATER), standing, is_time_given=True)
    assert verdict == Conflicting({"timestamp": "was 2026-08-12T10:30:00.000Z when this transaction_id was first used"})


@pytest.mark.parametrize("reservation", [ASKED, None], ids=["reserved", "never reserved"])
def test_a_decision_on_another_content_conflicts(reservation: Reservation | None) -> None:
    standing = Standing(reservation, is_new=False, decisions=(DECISION._replace(content_hash=OTHER),))
    assert judge(ASKED, standing, is_time_given=False) == USED


def test_of_several_decisions_the_one_on_the_same_event_is_the_answer() -> None:
    later = DECISION._replace(event_time=LATER)
    standing = Standing(None, is_new=False, decisions=(DECISION._replace(content_hash=OTHER), DECISION, later))
    asked = ASKED._replace(event_time=LATER)
    assert judge(asked, standing, is_time_given=True) == Decided(later, is_duplicate=True)
