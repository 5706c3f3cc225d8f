"""Card precision at 100 on days that can be counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from consumer.scoring.features import EVENT
from consumer.training.cards import TOP_CARDS, measure_card_precision
from consumer.training.dataset import DAY_MS, NEVER_MS, Dataset
from consumer.training.periods import Period

TWO_DAYS = Period(0, 2 * DAY_MS)


def a_dataset(rows: list[tuple[int, int, bool, int]]) -> Dataset:
    """Rows of hour, card, fraud, and the hour in which the label is known."""
    hours, cards, frauds, known = (np.array(column) for column in zip(*rows, strict=True))
    count, hour_ms = len(rows), 3_600_000
    return Dataset(
        feature_set="event/1",
        features=np.zeros((count, len(EVENT.names)), np.float32),
        event_ms=hours.astype(np.int64) * hour_ms,
        amounts=np.ones(count),
        cards=cards.astype(np.int32),
        is_fraud=frauds.astype(np.bool_),
        truth=frauds.astype(np.bool_),
        known_ms=np.where(frauds, known.astype(np.int64) * hour_ms, NEVER_MS),
        patterns=np.full(count, -1, np.int32),
        pattern_names=(),
        source="made up",
        digest="0" * 64,
    )


def test_each_day_counts_alike_and_a_card_counts_once() -> None:
    rows = [
        (1, 0, True, 999),
        (2, 0, True, 999),
        (3, 1, False, 0),
        (25, 2, False, 0),
        (26, 3, False, 0),
        (27, 4, True, 999),
    ]
    assert measure_card_precision(a_dataset(rows), TWO_DAYS, np.zeros(6)) == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_a_card_known_before_the_day_began_is_left_out() -> None:
    rows = [(1, 0, True, 24), (2, 1, False, 0), (25, 0, True, 999), (26, 1, False, 0)]
    assert measure_card_precision(a_dataset(rows), TWO_DAYS, np.zeros(4)) == pytest.approx((1 / 2 + 1 / 2) / 2)
    rows[0] = (1, 0, True, 23)
    assert measure_card_precision(a_dataset(rows), TWO_DAYS, np.zeros(4)) == pytest.approx((1 / 2 + 0) / 2)


def test_a_user_who_stands_for_a_card_has_a_new_one_after_a_month() -> None:
    fraud_known_h, month_h = 23, 30 * 24
    days = [fraud_known_h // 24 + day for day in (1, 30, 31)]
    rows = [(1, 0, True, fraud_known_h), *((day * 24 + 1, card, False, 0) for day in days for card in (0, 1))]
    rows[-2] = (days[-1] * 24 + 1, 0, True, 9_999)
    named, users = a_dataset(rows), replace(a_dataset(rows), has_cards=False)
    last = Period(days[-1] * DAY_MS, (days[-1] + 1) * DAY_MS)
    assert days[-1] * 24 - fraud_known_h > month_h
    assert measure_card_precision(named, last, np.zeros(2)) == 0.0
    assert measure_card_precision(users, last, np.zeros(2)) == 0.5
    for day in days[:2]:
        before = Period(day * DAY_MS, (day + 1) * DAY_MS)
        fraud_first = np.array([1.0, 0.0])
        assert measure_card_precision(users, before, fraud_first) == measure_card_precision(named, before, fraud_first)


def test_only_the_hundred_highest_cards_count_by_their_highest_score() -> None:
    rows = [(1, card, card < 50, 999) for card in range(200)] + [(2, 199, False, 0), (2, 0, True, 999)]
    dataset, day = a_dataset(rows), Period(0, DAY_MS)
    backwards = np.array([*range(200), 0, 500], np.float64)
    assert measure_card_precision(dataset, day, backwards) == pytest.approx(1 / TOP_CARDS)
    assert measure_card_precision(dataset, day, dataset.truth.astype(np.float64)) == pytest.approx(50 / TOP_CARDS)


def test_scores_are_those_of_the_period_only() -> None:
    rows = [(1, card, False, 0) for card in range(150)] + [(25, card, card == 7, 999) for card in range(150)]
    scores = np.zeros(150)
    scores[7] = 1.0
    assert measure_card_precision(a_dataset(rows), Period(DAY_MS, 2 * DAY_MS), scores) == pytest.approx(1 / TOP_CARDS)


def test_days_without_events_say_nothing() -> None:
    dataset = a_dataset([(1, 0, True, 999)])
    assert measure_card_precision(dataset, TWO_DAYS, np.zeros(1)) == 1.0
    assert math.isnan(measure_card_precision(dataset, Period(DAY_MS, 2 * DAY_MS), np.zeros(0)))
