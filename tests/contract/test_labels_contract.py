"""Labels' promises, held to memory and PostgreSQL alike: the first report of a source wins, as of its event."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sinks.feedback import StoredLabel
from tests.builders import NOW
from tests.contract.feedback_builders import OLD, a_label
from tests.contract.feedback_subjects import SUBJECTS, FeedbackSubject
from tests.contract.ledger_builders import a_decision
from tests.contract.ledger_subjects import SUBJECT_NAMES

LATER = NOW + timedelta(days=3)


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[FeedbackSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def stored(subject: FeedbackSubject, transaction_id: str = "t-1") -> list[tuple[datetime | None, str, bool]]:
    found = subject.new_labels().find(transaction_id)
    return sorted(
        ((label.event_time, label.source, label.is_fraud) for label in found),
        key=lambda each: (str(each[0]), *each[1:]),
    )


def test_a_label_is_stored_with_its_event_and_what_was_said(subject: FeedbackSubject) -> None:
    subject.new_ledger().commit([a_decision()], [], [])
    before = datetime.now(UTC)

    outcomes = subject.new_labels().put([a_label()])

    (label,) = subject.new_labels().find("t-1")
    assert list(outcomes) == ["stored"]
    assert label == StoredLabel("t-1", NOW, "chargeback", True, OLD, label.known_at, label.due_at)
    assert before < label.known_at < datetime.now(UTC) + timedelta(minutes=11)
    assert subject.new_labels().find("unknown") == []


def test_a_label_becomes_known_ten_minutes_after_the_ledger_took_it(subject: FeedbackSubject) -> None:
    before = datetime.now(UTC)
    subject.new_labels().put([a_label()])
    after = datetime.now(UTC)

    (label,) = subject.new_labels().find("t-1")

    slack = timedelta(seconds=1)  # the database reads another clock
    assert before - slack <= label.known_at - timedelta(minutes=10) <= after + slack


def test_the_first_report_of_a_source_wins(subject: FeedbackSubject) -> None:
    subject.new_ledger().commit([a_decision()], [], [])
    subject.new_labels().put([a_label()])

    outcomes = subject.new_labels().put(
        [a_label(reported_at=LATER), a_label(is_fraud=False), a_label(source="analyst")]
    )

    assert list(outcomes) == ["repeated", "contradicted", "stored"]
    assert stored(subject) == [(NOW, "analyst", True), (NOW, "chargeback", True)]


def test_within_a_batch_the_first_report_wins_too(subject: FeedbackSubject) -> None:
    subject.new_ledger().commit([a_decision()], [], [])

    outcomes = subject.new_labels().put([a_label(is_fraud=False), a_label(), a_label(is_fraud=False)])

    assert list(outcomes) == ["stored", "contradicted", "repeated"]
    assert stored(subject) == [(NOW, "chargeback", False)]


def test_a_label_may_come_before_its_event(subject: FeedbackSubject) -> None:
    outcomes = subject.new_labels().put([a_label("t-1"), a_label("t-2", timestamp=NOW)])

    assert list(outcomes) == ["early", "early"]
    assert stored(subject, "t-1") == [(None, "chargeback", True)]
    assert stored(subject, "t-2") == [(NOW, "chargeback", True)]


def test_a_report_that_names_the_time_repeats_an_earlier_one_that_did_not(subject: FeedbackSubject) -> None:
    subject.new_labels().put([a_label("t-1"), a_label("t-2", timestamp=NOW)])

    outcomes = subject.new_labels().put([a_label("t-1", timestamp=NOW), a_label("t-2", is_fraud=False)])

    assert list(outcomes) == ["repeated", "contradicted"]


def test_of_several_events_with_one_id_the_report_must_name_one(subject: FeedbackSubject) -> None:
    subject.new_ledger().commit([a_decision(), a_decision(event_time=LATER, offset=1)], [], [])

    outcomes = subject.new_labels().put(
        [a_label(), a_label(timestamp=LATER), a_label(timestamp=NOW, is_fraud=False), a_label(timestamp=LATER)]
    )

    assert list(outcomes) == ["ambiguous", "stored", "stored", "repeated"]
    assert stored(subject) == [(NOW, "chargeback", False), (LATER, "chargeback", True)]


def test_a_time_at_which_nothing_was_decided_is_taken_as_that_of_an_event_to_come(subject: FeedbackSubject) -> None:
    subject.new_ledger().commit([a_decision()], [], [])

    assert list(subject.new_labels().put([a_label(timestamp=LATER)])) == ["early"]


def test_a_dry_run_says_the_same_and_stores_nothing(subject: FeedbackSubject) -> None:
    subject.new_ledger().commit([a_decision()], [], [])
    labels = [a_label(), a_label(is_fraud=False), a_label("t-2")]

    tried = subject.new_labels().put(labels, is_dry_run=True)

    assert subject.new_labels().find("t-1") == []
    assert list(tried) == list(subject.new_labels().put(labels)) == ["stored", "contradicted", "early"]


def test_nothing_put_changes_nothing(subject: FeedbackSubject) -> None:
    assert list(subject.new_labels().put([])) == []


def test_of_imports_at_once_one_stores_each_label_and_the_others_repeat_it(subject: FeedbackSubject) -> None:
    labels = [a_label(f"t-{number}") for number in range(50)]

    with ThreadPoolExecutor(4) as pool:
        orders = (labels, labels[::-1], labels[25:] + labels[:25], labels)
        futures = [pool.submit(subject.new_labels().put, order) for order in orders]
        outcomes = [outcome for future in futures for outcome in future.result()]

    assert (outcomes.count("early"), outcomes.count("repeated")) == (50, 150)
    assert all(len(subject.new_labels().find(label.transaction_id)) == 1 for label in labels)
