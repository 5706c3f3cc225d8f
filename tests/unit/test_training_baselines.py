"""The best single rule and the columns that a linear model sees."""

from __future__ import annotations

import numpy as np
import pytest

from consumer.training.baselines import Rule, apply_rule, find_best_rule
from consumer.training.metrics import measure_average_precision
from consumer.training.transform import learn_transform

NAMES = ("noise", "low", "gone")


def a_sample() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    labels = random.random(4000) < 0.05
    values = random.normal(size=(4000, 3)).astype(np.float32)
    values[labels, 1] -= 3
    values[random.random(4000) < 0.1, 1] = np.nan
    values[:, 2] = np.nan
    return values, labels


def test_the_best_rule_names_the_telling_feature_its_direction_and_its_own_figure() -> None:
    values, labels = a_sample()
    rule = find_best_rule(values, labels, NAMES)
    assert (rule.feature, rule.is_above) == ("low", False)
    assert -3.5 < rule.threshold < -1.0
    fired = apply_rule(rule, values, NAMES)
    assert rule.average_precision == pytest.approx(measure_average_precision(labels, fired))
    assert not fired[np.isnan(values[:, 1])].any()


def test_no_threshold_of_the_best_feature_beats_the_best_rule_by_much() -> None:
    values, labels = a_sample()
    rule = find_best_rule(values, labels, NAMES)
    best = max(
        measure_average_precision(labels, (values[:, 1] <= threshold).astype(np.float64))
        for threshold in np.unique(np.nan_to_num(values[:, 1]))[::7]
    )
    assert rule.average_precision > best - 0.05


def test_a_threshold_in_the_tail_is_found_where_fraud_is_rarer_than_a_step_between_quantiles() -> None:
    values = np.arange(20_000, dtype=np.float32)[:, None]
    labels = values[:, 0] >= 19_900
    rule = find_best_rule(values, labels, ("amount",))
    assert 19_800 < rule.threshold < 19_950
    assert rule.average_precision > 0.7


def test_a_rule_is_told_as_a_person_would() -> None:
    assert str(Rule("amount", is_above=True, threshold=12.5, average_precision=0.1)) == "amount > 12.5"
    assert str(Rule("amount", is_above=False, threshold=3, average_precision=0.1)) == "amount <= 3"


def test_heavy_tails_are_folded_and_other_columns_left_alone() -> None:
    values = np.column_stack([np.arange(1000) % 2, np.where(np.arange(1000) == 5, -1e6, 1.0)]).astype(np.float32)
    out = learn_transform(values).apply(values)
    assert out[:, 0].tolist() == values[:, 0].tolist()
    assert out[5, 1] == pytest.approx(-np.log1p(1e6))
    assert out[6, 1] == pytest.approx(np.log(2))


def test_columns_that_are_missing_together_share_one_indicator() -> None:
    values = np.ones((100, 4), np.float32)
    values[:30, :2] = np.nan
    values[:, 3] = np.nan
    out = learn_transform(values).apply(values)
    assert out.shape == (100, 5)
    assert out[:, 4].tolist() == [1.0] * 30 + [0.0] * 70
