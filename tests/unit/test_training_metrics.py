"""Metrics against figures worked by hand and against the definitions, spelled out slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.training.metrics import (
    measure_average_precision,
    measure_calibration_error,
    measure_precision,
    measure_recall,
    measure_roc_auc,
)

samples = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])), min_size=2, max_size=40
).filter(lambda pairs: len({label for label, _ in pairs}) == 2)


def arrays(pairs: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*pairs, strict=True)
    return np.array(labels, np.bool_), np.array(scores, np.float64)


@settings(deadline=None)
@given(samples)
def test_roc_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[bool, float]]) -> None:
    frauds = [score for label, score in pairs if label]
    genuine = [score for label, score in pairs if not label]
    wins = sum((fraud > other) + (fraud == other) / 2 for fraud in frauds for other in genuine)
    assert measure_roc_auc(*arrays(pairs)) == pytest.approx(wins / (len(frauds) * len(genuine)))


@settings(deadline=None)
@given(samples)
def test_average_precision_is_the_mean_precision_at_the_frauds(pairs: list[tuple[bool, float]]) -> None:
    precisions = []
    for label, score in pairs:
        if label:
            flagged = [other for other, value in pairs if value >= score]
            precisions.append(sum(flagged) / len(flagged))
    assert measure_average_precision(*arrays(pairs)) == pytest.approx(sum(precisions) / len(precisions))


def test_average_precision_of_a_worked_example() -> None:
    pairs = [(True, 0.9), (False, 0.8), (True, 0.7), (False, 0.1)]
    assert measure_average_precision(*arrays(pairs)) == pytest.approx((1 + 2 / 3) / 2)


def test_what_cannot_be_measured_is_nan() -> None:
    none, scores = np.zeros(3, np.bool_), np.array([0.1, 0.2, 0.3])
    for measured in (
        measure_roc_auc(none, scores),
        measure_roc_auc(~none, scores),
        measure_average_precision(none, scores),
    ):
        assert math.isnan(measured)
    assert math.isnan(measure_precision(~none, none))
    assert math.isnan(measure_recall(none, ~none))


def test_precision_and_recall_of_a_worked_example() -> None:
    labels, flagged = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert (measure_precision(labels, flagged), measure_recall(labels, flagged)) == (0.5, 0.5)
    assert measure_precision(labels, np.array([True, False, False, False])) == 1.0


def test_scores_that_are_probabilities_have_no_calibration_error() -> None:
    labels = np.array([True, False, False, False] * 5 + [True, True, True, False] * 5)
    scores = np.array([0.25] * 20 + [0.75] * 20)
    assert measure_calibration_error(labels, scores, groups=2) == pytest.approx(0.0)
    assert measure_calibration_error(labels, 1 - scores, groups=2) == pytest.approx(0.5)
