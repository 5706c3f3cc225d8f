"""Allow and block lists: whom they name, until when, and what they change about a decision and its alert."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from consumer.scoring.bundle import load_bundle
from consumer.scoring.compose import alert_of, decision_of
from consumer.scoring.golden import read_event
from consumer.scoring.policy import Policy
from consumer.scoring.reasons import reason_text
from consumer.scoring.scorer import MadeBy, Scored, Scorer
from schemas.decision import Decision
from schemas.transaction import Received, Transaction
from tests.builders import PLAIN_DECISION
from tests.pipeline_builders import NOW, a_record
from tests.scoring_builders import EVENT_BUNDLE, a_transaction
from tests.unit.test_policy import a_policy

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
"""Event time of `a_transaction`, but for its milliseconds."""


def an_entry(expires: datetime = AT + timedelta(days=1), name: str = "user_id", value: Any = "u-1") -> dict[str, Any]:
    return {"reason": "a test", "expires": expires, name: value}


NAMES = {"user_id": "u-1", "card_id": "tok_1", "merchant_id": "m-1", "device_id": "d-1", "ip_address": "203.0.113.9"}


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_found_on_either_list_and_letter_by_letter(name: str) -> None:
    def listed(where: str, value: str | list[str]) -> str | None:
        return a_policy(**{where: [an_entry(name=name, value=value)]}).judge(0.9, a_transaction()).listed

    assert listed("block", NAMES[name]) == "BLOCK_LISTED"
    assert listed("allow", ["other", NAMES[name]]) == "ALLOW_LISTED"
    assert listed("block", NAMES[name].upper() + "x") is None


def test_what_is_blocked_is_critical_and_alerts_whatever_its_score() -> None:
    policy = a_policy(block=[an_entry()], alert_from="critical")
    assert policy.judge(0.0, a_transaction()) == (0, "critical", True, 0.0, "BLOCK_LISTED", None)
    assert policy.judge(0.9, a_transaction()) == (1, "critical", True, 0.0, "BLOCK_LISTED", None)
    assert policy.judge(0.0, a_transaction(user_id="u-2")).alerts is False


def test_what_is_allowed_keeps_class_and_level_and_alerts_nobody() -> None:
    policy = a_policy(allow=[an_entry()])
    assert policy.judge(0.9, a_transaction()) == (1, "critical", False, 0.5, "ALLOW_LISTED", None)
    assert policy.judge(0.1, a_transaction()).listed is None, "nothing was held back"


def test_who_is_on_both_lists_is_blocked() -> None:
    policy = a_policy(allow=[an_entry()], block=[an_entry(name="merchant_id", value="m-1")])
    assert policy.judge(0.1, a_transaction()).listed == "BLOCK_LISTED"
    assert policy.judge(0.9, a_transaction(merchant_id="m-2")).listed == "ALLOW_LISTED"


def test_an_entry_ends_in_event_time() -> None:
    event = a_transaction()

    def is_blocked(*ends: datetime) -> bool:
        return a_policy(block=[an_entry(end) for end in ends]).judge(0.1, event).alerts

    assert is_blocked(event.event_time + timedelta(milliseconds=1))
    assert not is_blocked(event.event_time)
    assert is_blocked(event.event_time, AT + timedelta(days=1), AT), "the entry that lasts longest holds"


def test_an_event_without_the_fact_is_on_no_list() -> None:
    policy = a_policy(block=[an_entry(name=name, value=value) for name, value in NAMES.items() if name != "user_id"])
    bare = a_transaction(card_id=None, merchant_id=None, device_info=None)
    assert policy.judge(0.1, bare).listed is None


def test_a_stored_decision_is_judged_as_its_transaction_was() -> None:
    policy = a_policy(block=[an_entry(END, value=PLAIN_DECISION.user_id)])
    assert policy.judge(PLAIN_DECISION.score, PLAIN_DECISION).listed == "BLOCK_LISTED"


@cache
def pool() -> tuple[Transaction, ...]:
    golden = [read_event(vector) for vector in load_bundle(EVENT_BUNDLE).manifest.golden]
    return tuple(event._replace(user_id="u-1") for event in golden)


def scores(**lists: Any) -> list[Scored]:
    bundle = load_bundle(EVENT_BUNDLE)
    policy = Policy.model_validate(bundle.policy.model_dump() | lists)
    return list(Scorer(dataclasses.replace(bundle, policy=policy)).score(pool()))


END = datetime(2100, 1, 1, tzinfo=UTC)


def test_the_lists_leave_vector_score_class_and_confidence_alone() -> None:
    for name in ("block", "allow"):
        for plain, listed in zip(scores(), scores(**{name: [an_entry(END)]}), strict=True):
            assert (plain.features, plain.score, plain.classification) == (
                listed.features, listed.score, listed.classification,
            )  # fmt: skip
            assert plain.confidence == listed.confidence


def test_a_blocked_decision_names_the_list_first_and_then_what_the_model_says() -> None:
    for plain, blocked in zip(scores(), scores(block=[an_entry(END)]), strict=True):
        reasons = blocked.reasons or ()
        assert reasons[0] == ("BLOCK_LISTED", None, 0.0)
        assert plain.reasons is None or reasons[1:] == plain.reasons
        assert len(reasons) <= 4


def test_an_allowed_decision_has_reasons_exactly_where_an_alert_was_held_back() -> None:
    pairs = list(zip(scores(), scores(allow=[an_entry(END)]), strict=True))
    assert not any(allowed.alerts for _, allowed in pairs)
    assert {plain.alerts for plain, _ in pairs} == {True, False}
    for plain, allowed in pairs:
        expected = (("ALLOW_LISTED", None, 0.0), *(plain.reasons or ())) if plain.alerts else None
        assert allowed.reasons == expected


def a_decision(scored: Scored) -> Decision:
    made_by = MadeBy("m", "p", "f")
    return decision_of(Received(pool()[0], a_record(1)), scored, made_by, NOW, NOW)


def test_an_alert_of_the_block_list_has_a_rule_and_an_id_of_its_own() -> None:
    blocked, plain = a_decision(scores(block=[an_entry(END)])[0]), a_decision(scores()[0])
    one, other = alert_of(blocked, 0.0, "method"), alert_of(plain, 0.5, "method")
    assert (one.rule, other.rule) == ("block_list", "score")
    assert one.alert_id != other.alert_id
    assert one.severity == "critical"
    assert "BLOCK_LISTED" in one.summary


def test_the_lists_codes_have_sentences() -> None:
    assert "block list" in reason_text("BLOCK_LISTED")
    assert "nobody was alerted" in reason_text("ALLOW_LISTED")
