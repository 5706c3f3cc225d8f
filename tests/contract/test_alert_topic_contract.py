"""The topic's promises, held to memory and SNS alike: every alert in one part of the result, and told unless the result says otherwise."""

from __future__ import annotations

import json
from collections import Counter
from uuid import UUID

import pytest

from sinks.alerts.batches import MAX_BYTES, size_of
from sinks.alerts.memory import Failure
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.port import OutboxAlert, PublishResult
from tests.contract.topic_subjects import TopicSubject, memory_subject, sns_subject

TRANSIENT: tuple[Failure, ...] = ("unreachable", "throttled", "answer_lost")


@pytest.fixture(params=["memory", pytest.param("sns", marks=pytest.mark.real)])
def subject(request: pytest.FixtureRequest) -> TopicSubject:
    if request.param == "memory":
        return memory_subject()
    return sns_subject(request.getfixturevalue("local_environment"))


def an_alert(number: int, text: str = "", **attributes: str | float) -> OutboxAlert:
    alert_id = UUID(int=number)
    return OutboxAlert(alert_id, json.dumps({"alert_id": str(alert_id), "text": text}), attributes, 1)


def alerts_of(count: int) -> list[OutboxAlert]:
    return [an_alert(number) for number in range(count)]


def an_alert_of(size_bytes: int, number: int = 0) -> OutboxAlert:
    return an_alert(number, "x" * (size_bytes - size_of(an_alert(number))))


def told(subject: TopicSubject) -> Counter[int]:
    return Counter(alert.alert_id.int for alert in subject.told())


def parts(result: PublishResult) -> tuple[set[int], set[int], set[int]]:
    sent, failed, refused = ({alert_id.int for alert_id in part} for part in result)
    return sent, failed, refused


def test_nothing_to_publish_is_nothing(subject: TopicSubject) -> None:
    assert subject.topic.publish([]) == ({}, {}, {})
    assert subject.told() == []


@pytest.mark.parametrize("count", [1, 10, 11, 35])
def test_every_alert_is_told_once_however_many_there_are(subject: TopicSubject, count: int) -> None:
    result = subject.topic.publish(alerts_of(count))

    assert parts(result) == (set(range(count)), set(), set())
    assert told(subject) == Counter(range(count))


def test_every_message_has_an_id_of_its_own(subject: TopicSubject) -> None:
    result = subject.topic.publish(alerts_of(12))

    assert len({message_id for message_id in result.sent.values() if message_id}) == 12


def test_a_receiver_gets_the_document_and_typed_attributes_as_they_were_given(subject: TopicSubject) -> None:
    alert = an_alert(1, 'é \U0001f6d2 " \\ <&> \u2028', rule="score", country="Łódź", score=1e-05, amount=1e9)

    subject.topic.publish([alert])

    [received] = subject.told()
    assert (received.alert_id, received.payload) == (alert.alert_id, alert.payload)
    assert received.attributes == {
        "rule": ("String", "score"),
        "country": ("String", "Łódź"),
        "score": ("Number", "0.00001"),
        "amount": ("Number", "1000000000.0"),
    }


def test_an_alert_published_again_is_told_again_receivers_know_it_by_its_id(subject: TopicSubject) -> None:
    for _ in range(2):
        subject.topic.publish(alerts_of(1))

    assert told(subject) == {0: 2}


def test_single_failures_in_a_good_answer_are_due_again_and_not_told(subject: TopicSubject) -> None:
    alerts = alerts_of(5)
    subject.fail_some(alerts, frozenset({1, 3}), False)

    result = subject.topic.publish(alerts)

    assert parts(result) == ({0, 2, 4}, {1, 3}, set())
    assert all(why.startswith("InternalError: ") for why in result.failed.values())
    assert told(subject) == Counter({0, 2, 4})
    assert parts(subject.topic.publish([alerts[1], alerts[3]])) == ({1, 3}, set(), set())
    assert told(subject) == Counter({1, 3})


def test_what_the_sender_is_at_fault_for_is_refused_for_good(subject: TopicSubject) -> None:
    alerts = alerts_of(3)
    subject.fail_some(alerts, frozenset({1}), True)

    result = subject.topic.publish(alerts)

    assert parts(result) == ({0, 2}, set(), {1})
    assert told(subject) == Counter({0, 2})


@pytest.mark.parametrize("is_sender_fault", [False, True])
def test_an_answer_in_which_every_alert_failed_is_a_result_and_no_error(
    subject: TopicSubject, is_sender_fault: bool
) -> None:
    alerts = alerts_of(3)
    subject.fail_some(alerts, frozenset({0, 1, 2}), is_sender_fault)

    sent, failed, refused = parts(subject.topic.publish(alerts))

    assert (sent, refused if is_sender_fault else failed) == (set(), {0, 1, 2})
    assert subject.told() == []


@pytest.mark.parametrize("failure", TRANSIENT)
def test_a_topic_that_cannot_be_reached_raises_and_takes_the_alert_at_the_next_call(
    subject: TopicSubject, failure: Failure
) -> None:
    subject.fail_next(failure)

    with pytest.raises(TransientSinkError):
        subject.topic.publish(alerts_of(3))

    was_carried_out = failure == "answer_lost"
    assert told(subject) == Counter(range(3 if was_carried_out else 0))
    assert parts(subject.topic.publish(alerts_of(3))) == ({0, 1, 2}, set(), set())
    assert told(subject) == Counter(range(3))


@pytest.mark.parametrize("failure", [*TRANSIENT, "denied"])
def test_a_request_that_fails_among_others_keeps_its_alerts_due_and_lets_the_others_leave(
    subject: TopicSubject, failure: Failure
) -> None:
    subject.fail_next(failure)

    result = subject.topic.publish(alerts_of(25))

    assert parts(result) == (set(range(10, 25)), set(range(10)), set())
    assert told(subject) == Counter(range(0 if failure == "answer_lost" else 10, 25))


def test_a_topic_that_this_role_may_not_publish_to_needs_a_person(subject: TopicSubject) -> None:
    subject.fail_next("denied")

    with pytest.raises(PermanentSinkError):
        subject.topic.publish(alerts_of(2))

    assert subject.told() == []


def test_alerts_that_fit_no_common_request_leave_in_several(subject: TopicSubject) -> None:
    alerts = [an_alert_of(MAX_BYTES // 2 + 1, number) for number in range(3)]
    subject.fail_next("unreachable")  # one request, so one alert

    assert parts(subject.topic.publish(alerts)) == ({1, 2}, {0}, set())
    assert told(subject) == Counter({1, 2})


def test_the_largest_alert_is_told_and_a_larger_one_refused_without_holding_back_others(subject: TopicSubject) -> None:
    largest, too_large = an_alert_of(MAX_BYTES, 1), an_alert_of(MAX_BYTES + 1, 2)

    result = subject.topic.publish([too_large, largest, an_alert(3)])

    assert parts(result) == ({1, 3}, set(), {2})
    assert told(subject) == Counter({1, 3})


def test_attributes_count_against_the_size(subject: TopicSubject) -> None:
    full = an_alert_of(MAX_BYTES)

    assert parts(subject.topic.publish([full._replace(attributes={"rule": "score"})])) == (set(), set(), {0})
