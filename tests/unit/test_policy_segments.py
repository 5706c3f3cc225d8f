"""Segments: which transactions have thresholds of their own, and that the compiled look-up agrees with the plain rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.scoring.policy import Policy
from schemas.transaction import Transaction
from tests.scoring_builders import a_transaction
from tests.unit.test_policy import BANDS, a_policy

STRICT = {"medium_from": 0.05, "high_above": 0.1, "critical_from": 0.2}


def with_segments(*segments: dict[str, Any]) -> Policy:
    named = [{"name": f"s{number}", "alert_from": "low"} | segment for number, segment in enumerate(segments)]
    return a_policy(segments=named)


def segment_of(policy: Policy, transaction: Transaction) -> str | None:
    return policy.judge(0.4, transaction).segment


def test_a_segment_overrides_what_it_names_and_keeps_the_rest() -> None:
    policy = a_policy(
        segments=[
            {"name": "bands", "match": {"currency": "EUR"}, "bands": STRICT},
            {"name": "alerts", "match": {"currency": "USD"}, "alert_from": "medium"},
            {"name": "class", "match": {"currency": "GBP"}, "classify_above": 0.15},
        ]
    )
    found = {code: policy.judge(0.4, a_transaction(currency=code)) for code in ("EUR", "USD", "GBP", "SEK")}
    assert found["EUR"] == (0, "critical", True, 0.1, None, "bands")
    assert found["USD"] == (0, "medium", True, 0.3, None, "alerts")
    assert found["GBP"] == (1, "medium", False, 0.5, None, "class")
    assert found["SEK"] == (0, "medium", False, 0.5, None, None) == policy.judge_score(0.4)


def test_the_first_segment_that_matches_wins() -> None:
    policy = with_segments(
        {"match": {"currency": "EUR"}}, {"match": {"channel": "online"}}, {"match": {"channel": "atm"}}
    )
    assert segment_of(policy, a_transaction(currency="EUR", channel="online")) == "s0"
    assert segment_of(policy, a_transaction(currency="USD", channel="online")) == "s1"
    assert segment_of(policy, a_transaction(currency="USD", channel="atm")) == "s2"
    assert segment_of(policy, a_transaction(currency=None, channel=None)) is None


def test_all_conditions_must_hold_and_one_text_of_each() -> None:
    match = {"currency": ["EUR", "USD"], "location_country": "DE", "merchant_category": ["grocery", "fuel"]}
    policy = with_segments({"match": match})
    fits = {"currency": "USD", "merchant_category": "fuel", "location": {"country": "DE"}}
    assert segment_of(policy, a_transaction(**fits)) == "s0"
    for change in (
        {"currency": "GBP"},
        {"merchant_category": None},
        {"location": {"country": "FR"}},
        {"location": None},
    ):
        assert segment_of(policy, a_transaction(**fits | change)) is None
    assert segment_of(policy, a_transaction(**fits | {"merchant_category": "Fuel"})) is None, "letter by letter"


@pytest.mark.parametrize(
    ("amount", "segment"), [(0, "s0"), (9.99, "s0"), (10, "s1"), (19.99, "s1"), (20, "s2"), (1e15, "s2")]
)
def test_amounts_begin_at_from_and_end_before_below(amount: float, segment: str) -> None:
    ranges = ({"amount_below": 10}, {"amount_from": 10, "amount_below": 20.0}, {"amount_from": 20})
    policy = with_segments(*({"match": match} for match in ranges))
    assert segment_of(policy, a_transaction(amount=amount)) == segment


def test_the_edges_of_a_segment_are_those_of_the_policy() -> None:
    policy = with_segments({"match": {"currency": "EUR"}, "bands": BANDS, "alert_from": "high"})
    eur = a_transaction(currency="EUR")
    for score in (0.0, 0.3, 0.5, 0.85, 1.0):
        assert policy.judge(score, eur)[:4] == policy.judge_score(score)[:4]


CODES = st.sampled_from(["EUR", "USD", "GBP"])
CHANNELS = st.sampled_from(["online", "atm"])
AMOUNTS = st.integers(0, 5)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "currency": st.lists(CODES, min_size=1, max_size=2),
        "channel": CHANNELS,
        "amount_from": AMOUNTS,
        "amount_below": st.integers(6, 8),
    },
).filter(bool)


@given(
    st.lists(MATCHES, max_size=6), CODES | st.none(), CHANNELS | st.none(), st.integers(0, 900).map(lambda c: c / 100)
)
def test_the_look_up_finds_what_a_walk_over_the_segments_finds(
    matches: list[dict[str, Any]], currency: str | None, channel: str | None, amount: float
) -> None:
    transaction = a_transaction(currency=currency, channel=channel, amount=amount)

    def fits(match: dict[str, Any]) -> bool:
        return (
            ("currency" not in match or currency in match["currency"])
            and ("channel" not in match or channel == match["channel"])
            and match.get("amount_from", 0) <= amount < match.get("amount_below", 10)
        )

    expected = next((f"s{number}" for number, match in enumerate(matches) if fits(match)), None)
    assert segment_of(with_segments(*({"match": match} for match in matches)), transaction) == expected
