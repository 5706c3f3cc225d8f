"""The outbox's promises, held to memory and PostgreSQL alike: claims are exclusive and expire, what is told stays told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.alert import Alert
from sinks.alerts.document import attributes_of
from sinks.ledger.outbox import OutboxTerms
from sinks.port import Outbox
from tests.contract.ledger_builders import a_risky_decision, an_alert
from tests.contract.ledger_subjects import SUBJECT_NAMES, SUBJECTS, LedgerSubject

HOLD = OutboxTerms(claim_for=timedelta(hours=1))
LET_GO = OutboxTerms(claim_for=timedelta())
AT_ONCE = OutboxTerms(first_wait=timedelta(), longest_wait=timedelta())
MUCH_LATER = OutboxTerms(first_wait=timedelta(days=1), longest_wait=timedelta(days=1))


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[LedgerSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def an_alert_in(subject: LedgerSubject, name: str = "t-1", *, age: timedelta = timedelta()) -> Alert:
    decision = a_risky_decision(name, arrival_time=datetime.now(UTC) - age)
    alert = an_alert(decision)
    subject.new_ledger().commit([decision], [alert], [])
    return alert


def claimed_ids(outbox: Outbox, limit: int = 100) -> list[UUID]:
    return [alert.alert_id for alert in outbox.claim(limit)]


def test_an_empty_outbox_gives_nothing(subject: LedgerSubject) -> None:
    outbox = subject.new_outbox(HOLD)

    assert list(outbox.claim(10)) == []
    assert outbox.pending() == 0


def test_a_claimed_alert_carries_its_document_and_attributes(subject: LedgerSubject) -> None:
    alert = an_alert_in(subject)

    (claimed,) = subject.new_outbox(HOLD).claim(10)

    assert claimed.alert_id == alert.alert_id
    assert Alert.model_validate(json.loads(claimed.payload)) == alert
    assert json.loads(claimed.payload)["schema"] == "fraud-alert/1"
    assert dict(claimed.attributes) == attributes_of(alert)
    assert claimed.attempts == 1


def test_claims_come_oldest_first_and_no_more_than_asked_for(subject: LedgerSubject) -> None:
    alerts = [an_alert_in(subject, f"t-{i}") for i in range(5)]
    outbox = subject.new_outbox(HOLD)

    claims = [claimed_ids(outbox, limit=2) for _ in range(4)]

    ids = [alert.alert_id for alert in alerts]
    assert claims == [ids[:2], ids[2:4], ids[4:], []]
    assert outbox.pending() == 5


def test_relays_that_claim_at_once_share_the_alerts(subject: LedgerSubject) -> None:
    ids = {an_alert_in(subject, f"t-{i}").alert_id for i in range(20)}

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(claimed_ids, subject.new_outbox(HOLD), 5) for _ in range(4)]
        claims = [alert_id for future in futures for alert_id in future.result()]

    assert len(claims) == 20
    assert set(claims) == ids


def test_a_claim_that_expired_is_given_to_another_relay(subject: LedgerSubject) -> None:
    alert = an_alert_in(subject)
    crashed = subject.new_outbox(LET_GO)
    crashed.claim(10)

    (claimed,) = subject.new_outbox(HOLD).claim(10)

    assert (claimed.alert_id, claimed.attempts) == (alert.alert_id, 2)


def test_what_was_sent_is_never_claimed_again(subject: LedgerSubject) -> None:
    sent, waiting = an_alert_in(subject, "t-1"), an_alert_in(subject, "t-2")
    outbox = subject.new_outbox(LET_GO)
    outbox.claim(10)

    outbox.mark_sent({sent.alert_id: "message-1"})

    assert claimed_ids(outbox) == [waiting.alert_id]
    assert outbox.pending() == 1


def test_what_one_relay_sent_another_cannot_fail_or_park(subject: LedgerSubject) -> None:
    alert = an_alert_in(subject)
    slow, fast = subject.new_outbox(AT_ONCE), subject.new_outbox(AT_ONCE)
    fast.mark_sent({alert.alert_id: "message-1"})

    slow.mark_failed({alert.alert_id: "Throttled"})
    slow.park({alert.alert_id: "InvalidParameter"})

    assert claimed_ids(fast) == []
    assert fast.pending() == 0


def test_what_failed_is_due_again(subject: LedgerSubject) -> None:
    alert = an_alert_in(subject)
    outbox = subject.new_outbox(AT_ONCE)
    outbox.claim(10)

    outbox.mark_failed({alert.alert_id: "Throttled, with a NUL \0 in the text"})

    assert claimed_ids(outbox) == [alert.alert_id]


def test_what_failed_waits_and_lets_the_others_pass(subject: LedgerSubject) -> None:
    failing, other = an_alert_in(subject, "t-1"), an_alert_in(subject, "t-2")
    outbox = subject.new_outbox(MUCH_LATER)
    outbox.claim(1)

    outbox.mark_failed({failing.alert_id: "Throttled"})

    assert claimed_ids(outbox) == [other.alert_id]
    assert outbox.pending() == 2


def test_what_is_parked_waits_for_an_operator(subject: LedgerSubject) -> None:
    alert = an_alert_in(subject)
    outbox = subject.new_outbox(LET_GO)
    outbox.claim(10)

    outbox.park({alert.alert_id: "InvalidParameter"})

    assert claimed_ids(outbox) == []
    assert outbox.pending() == 0


def test_marking_nothing_changes_nothing(subject: LedgerSubject) -> None:
    alert = an_alert_in(subject)
    outbox = subject.new_outbox(HOLD)

    outbox.mark_sent({})
    outbox.mark_failed({})
    outbox.park({})

    assert claimed_ids(outbox) == [alert.alert_id]


def test_an_alert_that_is_too_old_is_kept_but_not_sent(subject: LedgerSubject) -> None:
    an_alert_in(subject, "old", age=timedelta(hours=25))
    young = an_alert_in(subject, "young", age=timedelta(hours=23))
    outbox = subject.new_outbox(OutboxTerms(max_age=timedelta(hours=24)))

    assert claimed_ids(outbox) == [young.alert_id]
    assert outbox.pending() == 1


def test_without_a_bound_no_alert_is_too_old(subject: LedgerSubject) -> None:
    old = an_alert_in(subject, age=timedelta(days=400))

    assert claimed_ids(subject.new_outbox(OutboxTerms(max_age=None))) == [old.alert_id]


def test_the_age_of_what_waits_is_that_of_its_oldest_record(subject: LedgerSubject) -> None:
    outbox = subject.new_outbox(HOLD)
    assert outbox.oldest_pending_s() == 0
    alerts = [an_alert_in(subject, f"t-{hours}", age=timedelta(hours=hours)) for hours in (2, 1, 3)]

    assert 3 * 3600 <= outbox.oldest_pending_s() < 4 * 3600
    outbox.claim(10)
    outbox.mark_sent({alerts[2].alert_id: "message"})
    assert 2 * 3600 <= outbox.oldest_pending_s() < 3 * 3600
    outbox.mark_sent({alert.alert_id: "message" for alert in alerts})
    assert outbox.oldest_pending_s() == 0
