from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean, median
from typing import Any

import numpy as np
import pytest

from producers.simulator.fraud import (
    ACCOUNT_TAKEOVER,
    AMOUNT_INFLATION,
    CARD_TESTING,
    COMPROMISED_MERCHANT,
    PATTERNS,
    SLOW_AND_LOW,
)
from producers.simulator.places import PLACES
from tests.simulated import FRAUD_SHARE, Row, grouped, homes, rows, span_s

_HOUR_S, _DAY_S = 3_600, 86_400
_CURRENCIES = {place.country: place.currency for place in PLACES}


def mismatch(row: Row) -> bool | None:
    currency = row.event.get("currency")
    return None if row.country is None or currency is None else _CURRENCIES[row.country] != currency


_FIELDS: dict[str, Callable[[Row], Any]] = {
    "category": lambda row: row.event.get("merchant_category"),
    "channel": lambda row: row.event.get("channel"),
    "country": lambda row: row.country,
    "currency": lambda row: row.event.get("currency"),
    "currency mismatch": mismatch,
    "device type": lambda row: (row.event.get("device_info") or {}).get("device_type"),
    "local hour": lambda row: row.event.get("hour"),
    "local weekday": lambda row: row.event.get("day_of_week"),
    "amount": lambda row: None if row.dollars is None else int(np.log2(row.dollars + 1)),
    "cents": lambda row: round(row.event["amount"] * 100) % 100,
    "category and channel": lambda row: (row.event.get("merchant_category"), row.event.get("channel")),
}


def dollars(kind: str) -> list[float]:
    return [row.dollars for row in rows(kind) if row.dollars is not None]


def auc(frauds: list[float], others: list[float]) -> float:
    """Return the chance that a fraud has more than a genuine event, ties counting half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, frauds, side="left") + np.searchsorted(ordered, frauds, side="right")
    return float(below.mean() / 2 / len(others))


def test_the_share_of_fraud_and_those_of_its_patterns_are_the_ones_asked_for() -> None:
    counts = Counter(row.pattern for row in rows())
    frauds = len(rows("fraud"))

    assert frauds / len(rows()) == pytest.approx(FRAUD_SHARE, rel=0.15)
    assert sum(story.share for story in PATTERNS) == pytest.approx(1)
    for story in PATTERNS:
        assert counts[story.name] / frauds == pytest.approx(story.share, rel=0.45), story.name


def test_a_ranking_by_the_amount_alone_is_weak() -> None:
    assert 0.4 < auc(dollars("fraud"), dollars("genuine")) < 0.65


@pytest.mark.parametrize("story", PATTERNS, ids=lambda story: story.name)
def test_the_amounts_of_each_pattern_are_amounts_that_genuine_people_pay(story: Any) -> None:
    low, high = np.quantile(dollars("genuine"), [0.01, 0.99])

    assert fmean(low <= amount <= high for amount in dollars(story.name)) > 0.9


@pytest.mark.parametrize("field", _FIELDS)
def test_no_value_of_a_field_gives_fraud_away(field: str) -> None:
    values = Counter(_FIELDS[field](row) for row in rows())
    frauds = Counter(_FIELDS[field](row) for row in rows("fraud"))

    shares = {value: count / values[value] for value, count in frauds.items() if count >= 20}
    assert max(shares.values()) < 8 * FRAUD_SHARE
    assert frauds.keys() <= {_FIELDS[field](row) for row in rows("genuine")} | {None}


def test_fraud_lacks_the_same_fields_as_often_as_other_events() -> None:
    for name in ("currency", "merchant_id", "channel", "card_id", "location", "device_info", "hour"):
        there = [fmean(row.event.get(name) is not None for row in rows(kind)) for kind in ("fraud", "genuine")]
        assert there[0] == pytest.approx(there[1], abs=0.03), name


def test_testers_try_one_card_many_times_or_many_cards_once_at_one_merchant_within_minutes() -> None:
    tests = rows(CARD_TESTING)
    one_card = [group for group in grouped(tests, "user", "merchant", "device").values() if len(group) >= 4]
    in_bursts = sum(len(group) for group in one_card)
    merchants = grouped(tests, "merchant").values()
    near = [b.seconds - a.seconds < 20 * 60 for group in merchants for a, b in pairwise(group)]

    assert all(span_s(group) <= 15 * 60 for group in one_card)
    assert 0.25 < in_bursts / len(tests) < 0.75
    assert fmean(near) > 0.8
    assert max(len({row.user for row in group}) for group in merchants) > 10
    assert median(dollars(CARD_TESTING)) < median(dollars("genuine"))


def test_takeovers_show_a_device_that_the_customer_never_had_in_another_place_several_times_within_hours() -> None:
    known = {(row.user, row.device) for row in rows("genuine")}
    campaigns = [group for group in grouped(rows(ACCOUNT_TAKEOVER), "user", "device").values() if len(group) > 2]

    assert len(campaigns) > 20
    assert all(span_s(group) <= 8 * _HOUR_S for group in campaigns)
    assert not known & {(row.user, row.device) for group in campaigns for row in group}
    elsewhere = [row.country != homes()[row.user] for group in campaigns for row in group if row.country]
    assert fmean(elsewhere) > 0.6
    assert all(len({row.country for row in group if row.country}) == 1 for group in campaigns)


def test_a_compromised_merchant_bleeds_for_weeks_and_its_customers_with_it() -> None:
    charged = grouped(rows(COMPROMISED_MERCHANT), "merchant")
    busiest = sorted(charged.values(), key=len)[-5:]
    visits = Counter((row.user, row.merchant) for row in rows("genuine"))

    assert all(span_s(group) > 5 * _DAY_S for group in busiest)
    assert all(len({row.user for row in group}) >= 3 for group in busiest)
    assert fmean(visits[row.user, row.merchant] > 0 for group in busiest for row in group) > 0.7
    assert sum(map(len, charged.values())) > 2 * sum(map(len, busiest)) / len(busiest)


def test_slow_and_low_means_many_moderate_amounts_over_days_on_one_card() -> None:
    campaigns = [group for group in grouped(rows(SLOW_AND_LOW), "user").values() if len(group) >= 6]

    assert len(campaigns) > 10
    assert median(span_s(group) for group in campaigns) > 3 * _DAY_S
    assert median(len({int(row.seconds // _DAY_S) for row in group}) for group in campaigns) >= 4
    assert 0.7 < median(dollars(SLOW_AND_LOW)) / median(dollars("genuine")) < 2
    assert {row.event.get("channel") for row in rows(SLOW_AND_LOW)} >= {"card_present", "online", "mobile"}


def test_inflated_amounts_stand_out_against_what_the_same_customer_pays_at_the_same_merchant_only() -> None:
    priced = [row for row in rows("genuine") if row.dollars is not None]
    usual = {
        key: median(row.dollars or 0.0 for row in group) for key, group in grouped(priced, "user", "merchant").items()
    }
    paid = [(row.dollars, usual.get((row.user, row.merchant))) for row in rows(AMOUNT_INFLATION) if row.dollars]
    ratios = [now / before for now, before in paid if before]

    assert len(ratios) > 0.7 * len(paid)
    assert median(ratios) > 2.5
    assert auc(dollars(AMOUNT_INFLATION), dollars("genuine")) < 0.9
