"""Alerts against decisions, and what was received against the outbox."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from consumer.auditing.compare import audit
from consumer.auditing.evidence import AlertState, Evidence, OutboxEntry
from consumer.auditing.ledger import outbox_entry
from consumer.scoring.compose import alert_of
from consumer.scoring.policy import Policy
from schemas.decision import Decision, Reason
from sinks.alerts.document import payload_of
from sinks.ledger.rows import OutboxRow
from tests.audit_builders import WHOLE, faults
from tests.pipeline_builders import BUNDLE, NOW

(ENTRY,) = WHOLE.outbox
RISKY_ROW = next(row for row in WHOLE.decisions if row.transaction_id == "risky")
LOW_ROW = next(row for row in WHOLE.decisions if row.risk_level == "low")


def _with_payload(**changes: Any) -> Evidence:
    payload = {name: value for name, value in {**ENTRY.payload, **changes}.items() if value is not ...}
    return replace(WHOLE, outbox=[ENTRY._replace(payload=payload)], received=[payload])


def _with_alert_of(row: Decision) -> Evidence:
    payload = json.loads(payload_of(alert_of(row, 0.5, "method")))
    entry = OutboxEntry(UUID(payload["alert_id"]), payload, "sent")
    return replace(WHOLE, outbox=[ENTRY, entry], received=[ENTRY.payload, payload])


def _in_state(state: AlertState) -> Evidence:
    return replace(WHOLE, outbox=[ENTRY._replace(state=state)])


MISMATCHED = {
    **{
        f"an alert with another {name}": _with_payload(**{name: value})
        for name, value in {
            "user_id": "somebody-else", "amount": "999999.00", "transaction_id": "other", "severity": "low", "country": "XX",
            "score": 0.123, "summary": "Nothing happened.", "reasons": [], "threshold": "0.5", "model_version": ...,
            "position": {**ENTRY.payload["position"], "sequence_number": "1"}, "extra": 1,
        }.items()
    },
    "an alert of a low risk": _with_alert_of(LOW_ROW),
    "an alert of no decision": _with_alert_of(LOW_ROW._replace(transaction_id="nobody", risk_level="high")),
    "an alert received that was never let go": _in_state("kept"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISMATCHED)
def test_an_alert_that_does_not_tell_its_decision_is_mismatched(what: str) -> None:
    assert faults(MISMATCHED[what]) == {"mismatched": 1}, audit(MISMATCHED[what]).findings


def test_the_finding_names_what_differs() -> None:
    assert "amount, user_id differ" in audit(_with_payload(user_id="other", amount="1.00")).findings[0]


def test_alerts_of_a_release_without_sentences_are_no_fault() -> None:
    reasons = [{key: told for key, told in reason.items() if key != "text"} for reason in ENTRY.payload["reasons"]]
    assert reasons
    assert faults(_with_payload(reason_method=..., reasons=reasons)) == {}
    assert faults(_with_payload(reason_method=7)) == {"mismatched": 1}


def test_an_alert_of_a_row_that_no_alert_can_tell_is_mismatched() -> None:
    rows = [row._replace(risk_level="odd") if row is RISKY_ROW else row for row in WHOLE.decisions]  # type: ignore[arg-type]
    evidence = replace(WHOLE, decisions=rows, policies={}, lake=[], checkpoints={})
    assert faults(evidence) == {"mismatched": 1}


def test_an_alert_that_was_not_raised_is_lost() -> None:
    assert faults(replace(WHOLE, outbox=[], received=[])) == {"lost": 1}


def test_a_sent_alert_that_never_arrived_is_lost() -> None:
    assert faults(replace(WHOLE, received=[])) == {"lost": 1}


def test_an_alert_that_arrived_and_that_nobody_raised_is_seen() -> None:
    assert faults(replace(WHOLE, outbox=[])) == {"lost": 1, "mismatched": 1}


def test_an_alert_received_with_other_contents_is_mismatched() -> None:
    assert faults(replace(WHOLE, received=[{**ENTRY.payload, "score": 0.5}])) == {"mismatched": 1}


def test_the_same_alert_received_again_is_no_fault() -> None:
    report = audit(replace(WHOLE, received=[ENTRY.payload, ENTRY.payload]))
    assert (report.is_clean, report.counts["redelivered"]) == (True, 1)


def _under(**changes: Any) -> Evidence:
    policy = Policy.model_validate(BUNDLE.policy.model_dump() | changes)
    return replace(WHOLE, policies={policy.version: policy})


def test_which_decisions_alert_is_the_policys_to_say() -> None:
    assert RISKY_ROW.risk_level == "critical"
    assert faults(_under(alert_from="critical")) == {}
    assert faults(_under(alert_from="low")) == {"lost": 2}


def test_segments_and_lists_are_considered() -> None:
    listed = {"user_id": [RISKY_ROW.user_id], "reason": "test", "expires": datetime(2100, 1, 1, tzinfo=UTC)}
    assert faults(_under(allow=[listed])) == {"mismatched": 1}
    strict = {"name": "strict", "match": {"amount_from": 0}, "alert_from": "low"}
    assert faults(_under(segments=[strict])) == {"lost": 2}


def test_an_alert_of_the_block_list_has_an_id_of_its_own() -> None:
    blocked = RISKY_ROW._replace(reasons=(Reason("BLOCK_LISTED", None, 0.0),))
    payload = json.loads(payload_of(alert_of(blocked, 0.0, "method")))
    entry = OutboxEntry(UUID(payload["alert_id"]), payload, "sent")
    rows = [blocked if row is RISKY_ROW else row for row in WHOLE.decisions]
    evidence = replace(WHOLE, decisions=rows, policies={}, lake=[], checkpoints={})
    assert payload["rule"] == "block_list"
    assert faults(replace(evidence, outbox=[entry], received=[payload])) == {}
    assert faults(replace(evidence, outbox=[ENTRY], received=[ENTRY.payload])) == {"mismatched": 1}


def test_of_another_policy_it_is_not_known_what_alerts() -> None:
    assert faults(replace(WHOLE, policies={"other/1": BUNDLE.policy})) == {}


def test_messages_of_an_earlier_stream_are_left_alone() -> None:
    earlier = {**ENTRY.payload, "position": {**ENTRY.payload["position"], "stream_epoch": "20250101T000000Z"}}
    other = {**earlier, "alert_id": str(UUID(int=5))}
    report = audit(replace(WHOLE, received=[earlier, other, ENTRY.payload]))
    assert (report.is_clean, report.counts["received"], report.counts["redelivered"]) == (True, 1, 0)
    assert faults(replace(WHOLE, received=[earlier])) == {"lost": 1}, (
        "the same event in an earlier stream is another alert"
    )


def test_messages_that_are_no_alerts_are_counted_and_the_remedy_is_named() -> None:
    report = audit(replace(WHOLE, received=[{"Type": "Other"}, ENTRY.payload, {"not_json": "x"}, {"alert_id": "x"}]))
    assert (report.is_clean, report.counts["not_judged"]) == (True, 3)
    assert "raw message delivery" in report.remarks[0]


def _row(state: str, attempts: int, payload: str = "{}") -> OutboxRow:
    why = "too_old" if state == "suppressed" else None
    return OutboxRow(
        ENTRY.alert_id,
        RISKY_ROW.identity,
        "score",
        "critical",
        NOW,
        NOW,
        state,
        why,
        attempts,
        None,
        None,
        None,
        payload,
        {},
    )


STATES = {
    ("sent", 1): "sent", ("pending", 0): "waiting", ("pending", 3): "waiting", ("suppressed", 0): "kept", ("suppressed", 1): "tried",
    ("parked", 1): "kept", ("parked", 2): "tried",
}  # fmt: skip


@pytest.mark.parametrize(("state", "attempts"), STATES)
def test_an_alert_given_up_after_a_try_without_answer_may_have_arrived(state: str, attempts: int) -> None:
    assert outbox_entry(_row(state, attempts)).state == STATES[state, attempts]
    assert faults(_in_state("tried")) == {}


def test_a_payload_that_is_no_object_is_an_empty_one() -> None:
    assert outbox_entry(_row("sent", 1, "[]")).payload == {}
