"""The roll-up's promises, held to memory and PostgreSQL alike: what windows see of late events, late labels and labels that came early."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from sinks.errors import PermanentSinkError
from sinks.ledger.feedback_rules import begin_of, hour_of
from tests.contract.feedback_builders import NOW, THIS_HOUR, a_decision_at, a_label
from tests.contract.feedback_subjects import SUBJECTS, FeedbackSubject
from tests.contract.ledger_subjects import SUBJECT_NAMES

WEEK = 7 * 24
LONG_AGO = THIS_HOUR - WEEK - 10
"""An hour that is closed, and in the windows of one day of events that happen now."""
COUNTED_UNTIL = THIS_HOUR - 17 * 24
"""Where the roll-up is in most tests: a first one begins much earlier, which takes a while."""
SOON = NOW + timedelta(hours=2)


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[FeedbackSubject]:
    with SUBJECTS[request.param]() as made:
        made.set_hours_until(COUNTED_UNTIL)
        yield made


def decide(subject: FeedbackSubject, *events: tuple[int, str], merchant_id: str | None = "m-1") -> None:
    decisions = [a_decision_at(hour, name, merchant_id=merchant_id) for hour, name in events]
    subject.new_ledger().commit(decisions, [], [])


def known_hour(subject: FeedbackSubject, transaction_id: str = "t-1") -> int:
    """The hour in which the first label of a transaction became known; the windows of later ones may see it."""
    return hour_of(subject.new_labels().find(transaction_id)[0].known_at)


def test_an_hour_is_counted_two_hours_before_an_event_can_ask_for_it(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"), (LONG_AGO, "t-2"))
    due = begin_of(LONG_AGO + 1 + WEEK - 2)
    first_asks = LONG_AGO + 1 + WEEK

    subject.roll_up(due - timedelta(microseconds=1))
    assert subject.windows(first_asks).counts == (0, 0, 0)
    subject.roll_up(due)
    assert subject.windows(first_asks).counts == (2, 2, 2)
    assert subject.windows(first_asks - 1).counts == (0, 0, 0)


def test_every_merchant_is_counted_by_itself_and_no_merchant_not_at_all(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"), (LONG_AGO - 1, "t-2"))
    decide(subject, (LONG_AGO, "t-3"), merchant_id="m-2")
    decide(subject, (LONG_AGO, "t-4"), merchant_id="")
    decide(subject, (LONG_AGO, "t-5"), merchant_id=None)

    subject.roll_up(NOW)

    seen = [subject.windows(THIS_HOUR, merchant_id).counts[0] for merchant_id in ("m-1", "m-2", "", "m-3")]
    assert seen == [2, 1, 0, 0]


def test_an_event_belongs_to_the_hour_in_which_it_happened(subject: FeedbackSubject) -> None:
    edges = [a_decision_at(LONG_AGO, "first", minute=0), a_decision_at(LONG_AGO, "next", minute=60)]
    subject.new_ledger().commit(edges, [], [])

    subject.roll_up(begin_of(LONG_AGO + 1 + WEEK - 2))

    assert subject.windows(THIS_HOUR).counts[2] == 1
    subject.roll_up(NOW)
    assert subject.windows(THIS_HOUR).counts[2] == 2


def test_a_late_event_is_counted_if_it_is_decided_before_its_hour_is(subject: FeedbackSubject) -> None:
    due = begin_of(LONG_AGO + 1 + WEEK - 2)
    decide(subject, (LONG_AGO, "in time"))
    subject.roll_up(due - timedelta(hours=1))
    decide(subject, (LONG_AGO, "late by 166 hours"))
    subject.roll_up(due)

    decide(subject, (LONG_AGO, "later still"))
    subject.roll_up(NOW)

    assert subject.windows(THIS_HOUR).counts == (2, 2, 2)


def test_a_second_roll_up_changes_nothing(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"))
    subject.new_labels().put([a_label()])
    assert subject.roll_up(SOON) > 1

    assert subject.roll_up(SOON) == 0
    assert subject.windows(known_hour(subject) + 1) == ((1, 1, 1), (1, 1, 1))


def test_a_first_roll_up_begins_where_the_oldest_window_does(subject: FeedbackSubject) -> None:
    kept = THIS_HOUR - 45 * 24
    decide(subject, (kept, "oldest"), (kept - 1, "older"))
    subject.set_hours_until(0)

    steps = subject.roll_up(NOW)

    assert steps == 45 * 24 - (WEEK - 2)
    assert subject.windows(kept + WEEK + 1).counts == (1, 1, 1)


def test_after_nine_days_of_standstill_every_hour_is_counted_in_steps(subject: FeedbackSubject) -> None:
    stopped = NOW - timedelta(days=9)
    subject.roll_up(stopped)
    hours = range(hour_of(stopped) - WEEK, THIS_HOUR - WEEK)
    decide(subject, *((hour, f"t-{hour}") for hour in hours))

    behind_s = subject.new_roll_up().lag(NOW).behind_s
    steps = subject.roll_up(NOW)

    assert 9 * 86_400 - 3600 <= behind_s <= 9 * 86_400
    assert steps == 9 * 24
    assert subject.windows(THIS_HOUR).counts == (24, WEEK, 9 * 24 - 2)
    assert subject.new_roll_up().lag(NOW).behind_s == 0


def test_roll_ups_at_once_count_every_hour_and_label_once(subject: FeedbackSubject) -> None:
    decide(subject, *((LONG_AGO - hours, f"t-{hours}") for hours in range(10)))
    subject.new_labels().put([a_label(f"t-{hours}") for hours in range(10)])

    def work(_: int) -> None:
        for _ in range(5):
            subject.roll_up(SOON)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    subject.roll_up(SOON)

    assert subject.windows(known_hour(subject) + 1) == ((10, 10, 10), (10, 10, 10))


def test_a_fraud_is_seen_by_events_in_hours_after_the_one_in_which_it_became_known(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"), (LONG_AGO, "t-2"))
    subject.new_labels().put([a_label("t-1"), a_label("t-2", is_fraud=False)])

    subject.roll_up(SOON)

    known = known_hour(subject)
    assert subject.windows(known).frauds == (0, 0, 0)
    assert subject.windows(known + 1).frauds == (1, 1, 1)


def test_a_fraud_is_there_before_an_event_of_a_later_hour_can_ask(subject: FeedbackSubject) -> None:
    """Whoever asks is scored by a clock that has passed `known_at`, or is five minutes short of it."""
    decide(subject, (LONG_AGO, "t-1"))
    subject.new_labels().put([a_label()])
    (label,) = subject.new_labels().find("t-1")

    subject.roll_up(label.known_at - timedelta(minutes=5))

    assert subject.windows(known_hour(subject) + 1).frauds == (1, 1, 1)


def test_an_event_counts_once_however_many_sources_call_it_fraud(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"))
    sources = ("analyst", "customer", "chargeback")
    subject.new_labels().put([a_label(source=source) for source in sources[:2]])
    subject.roll_up(SOON)
    subject.new_labels().put([a_label(source=sources[2])])

    subject.roll_up(SOON)

    assert subject.windows(known_hour(subject) + 1).frauds == (1, 1, 1)


def test_one_source_that_calls_it_fraud_is_enough(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"))
    subject.new_labels().put([a_label(is_fraud=False, source="customer")])
    subject.roll_up(SOON)
    subject.new_labels().put([a_label(source="analyst")])

    subject.roll_up(SOON)

    assert subject.windows(THIS_HOUR + 3).frauds == (1, 1, 1)


def test_a_label_that_came_before_its_event_counts_when_both_are_there(subject: FeedbackSubject) -> None:
    subject.new_labels().put([a_label("t-1"), a_label("t-2", timestamp=begin_of(LONG_AGO) + timedelta(minutes=30))])
    subject.roll_up(SOON)
    assert subject.new_roll_up().lag(SOON).waiting_labels == 2
    decide(subject, (LONG_AGO, "t-1"), (LONG_AGO, "t-2"))

    subject.roll_up(SOON + timedelta(hours=1))

    assert subject.windows(known_hour(subject) + 1).frauds == (2, 2, 2)
    assert subject.new_roll_up().lag(SOON).waiting_labels == 0
    assert subject.new_labels().find("t-1")[0].event_time == begin_of(LONG_AGO) + timedelta(minutes=30)


def test_of_an_early_and_a_prompt_label_the_earlier_known_one_counts(subject: FeedbackSubject) -> None:
    subject.new_labels().put([a_label(source="customer")])
    subject.roll_up(SOON)
    decide(subject, (LONG_AGO, "t-1"))
    subject.new_labels().put([a_label(source="analyst")])

    subject.roll_up(SOON)

    assert subject.windows(known_hour(subject) + 1).frauds == (1, 1, 1)
    assert all(label.due_at is None for label in subject.new_labels().find("t-1"))


def test_an_early_label_goes_to_the_first_of_several_events(subject: FeedbackSubject) -> None:
    subject.new_labels().put([a_label()])
    decide(subject, (LONG_AGO, "t-1"), (LONG_AGO - 1, "t-1"))

    subject.roll_up(SOON)

    assert subject.new_labels().find("t-1")[0].event_time == begin_of(LONG_AGO - 1) + timedelta(minutes=30)


def test_a_label_whose_event_never_comes_is_left_alone_in_the_end(subject: FeedbackSubject) -> None:
    subject.new_labels().put([a_label()])
    subject.roll_up(SOON + timedelta(days=44))
    assert subject.new_roll_up().lag(SOON + timedelta(days=44)).waiting_labels == 1

    subject.roll_up(SOON + timedelta(days=46))

    assert subject.new_labels().find("t-1")[0].due_at is None


def test_a_label_of_an_event_without_a_merchant_counts_nowhere(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"), merchant_id=None)
    subject.new_labels().put([a_label()])

    subject.roll_up(SOON)

    assert subject.new_labels().find("t-1")[0].due_at is None


def test_a_fraud_is_kept_for_an_hour_that_is_not_counted_yet(subject: FeedbackSubject) -> None:
    decide(subject, (THIS_HOUR - 1, "t-1"))
    subject.new_labels().put([a_label()])
    subject.roll_up(SOON)

    subject.roll_up(NOW + timedelta(days=7))

    assert subject.windows(THIS_HOUR + WEEK) == ((1, 1, 1), (1, 1, 1))


def test_hours_that_no_window_reaches_are_forgotten(subject: FeedbackSubject) -> None:
    decide(subject, (LONG_AGO, "t-1"))
    subject.new_labels().put([a_label()])
    asks = LONG_AGO + WEEK + 30 * 24

    subject.roll_up(begin_of(LONG_AGO + 45 * 24))
    assert subject.windows(asks) == ((0, 0, 1), (0, 0, 1))
    subject.roll_up(begin_of(LONG_AGO + 45 * 24 + 1))
    assert subject.windows(asks) == ((0, 0, 0), (0, 0, 0))


def test_what_is_behind_is_told_since_it_was_due(subject: FeedbackSubject) -> None:
    subject.roll_up(SOON)
    assert subject.new_roll_up().lag(SOON) == (0, 0)
    subject.new_labels().put([a_label()])
    (label,) = subject.new_labels().find("t-1")
    assert label.due_at is not None

    assert subject.new_roll_up().lag(label.due_at + timedelta(seconds=5)) == (5, 0)


def test_a_clock_that_was_wrong_is_told_loudly(subject: FeedbackSubject) -> None:
    subject.set_hours_until(THIS_HOUR + 1)

    with pytest.raises(
        PermanentSinkError, match=r"which is to come.*`update fraudstream\.roll_up set hours_until = 0`"
    ):
        subject.roll_up(NOW)
