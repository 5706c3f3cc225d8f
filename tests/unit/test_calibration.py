"""Calibrations: monotone, deterministic, and what their definitions say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from consumer.training.calibration import Isotonic, LogOdds, NotMonotone, Platt, fit_isotonic, fit_platt
from consumer.training.logistic import OneClassOnly
from consumer.training.metrics import Labels


def a_sample(rows: int = 20_000, slope: float = 0.6, intercept: float = -1.0) -> tuple[LogOdds, Labels]:
    """Overconfident log-odds: the true ones are slope x value + intercept."""
    random = np.random.default_rng(5)
    log_odds = random.normal(-1, 2, rows)
    return log_odds, random.random(rows) < 1 / (1 + np.exp(-(slope * log_odds + intercept)))


def naive_isotonic(log_odds: LogOdds, labels: Labels) -> list[float]:
    """The min-max formula: the greatest over all starts of the least mean over all ends, for each value in order."""
    values = np.unique(log_odds)
    sums = [labels[log_odds == value].sum() for value in values]
    counts = [(log_odds == value).sum() for value in values]
    fitted = []
    for place in range(len(values)):
        ends = range(place + 1, len(values) + 1)
        least = [min(sum(sums[start:end]) / sum(counts[start:end]) for end in ends) for start in range(place + 1)]
        fitted.append(max(least))
    return fitted


def test_platt_finds_slope_and_intercept() -> None:
    platt = fit_platt(*a_sample(200_000))
    assert platt.slope == pytest.approx(0.6, abs=0.02)
    assert platt.intercept == pytest.approx(-1.0, abs=0.03)


def test_a_platt_fit_predicts_as_many_frauds_as_there_were() -> None:
    log_odds, labels = a_sample()
    assert fit_platt(log_odds, labels).probabilities(log_odds).mean() == pytest.approx(labels.mean(), abs=1e-5)


def test_classes_that_a_threshold_parts_get_a_finite_slope() -> None:
    log_odds = np.linspace(-1, 1, 200)
    assert fit_platt(log_odds, log_odds > 0.1).slope > 10


def test_a_model_that_ranks_the_wrong_way_round_cannot_be_calibrated() -> None:
    log_odds, labels = a_sample()
    with pytest.raises(NotMonotone, match="worse than chance"):
        fit_platt(-log_odds, labels)


@pytest.mark.parametrize("label", [True, False])
def test_one_class_alone_calibrates_nothing(label: bool) -> None:
    for fit in (fit_platt, fit_isotonic):
        with pytest.raises(OneClassOnly):
            fit(np.arange(10.0), np.full(10, label))


@pytest.mark.parametrize("seed", range(12))
def test_the_isotonic_fit_is_the_one_that_the_definition_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    log_odds = random.integers(-8, 8, 60).astype(np.float64) if seed % 2 else random.normal(size=60)
    labels = random.random(60) < 1 / (1 + np.exp(-log_odds))
    fitted = fit_isotonic(log_odds, labels, knots=1000)
    expected = naive_isotonic(log_odds, labels)
    levels = sorted(set(np.round(expected, 12)))
    assert fitted.values == pytest.approx(levels)
    values = np.unique(log_odds)
    for level, knot in zip(levels, fitted.log_odds, strict=True):
        members = values[np.round(expected, 12) == level]
        assert knot == pytest.approx(log_odds[np.isin(log_odds, members)].mean())


def test_log_odds_that_differ_by_rounding_only_are_one_knot_however_their_labels_differ() -> None:
    fitted = fit_isotonic(np.array([-1.0, 0.0, 1e-13, 1.0]), np.array([False, False, True, True]))
    assert fitted.log_odds == pytest.approx((-1.0, 0.0, 1.0))
    assert fitted.values == (0.0, 0.5, 1.0)


def test_few_knots_still_hold_the_shares_of_their_events() -> None:
    log_odds, labels = a_sample()
    fitted = fit_isotonic(log_odds, labels, knots=8)
    assert len(fitted.log_odds) == 8
    assert fitted.probabilities(log_odds).mean() == pytest.approx(labels.mean(), abs=0.01)
    truth = 1 / (1 + np.exp(-(0.6 * log_odds - 1.0)))
    assert np.abs(fitted.probabilities(log_odds) - truth).mean() < 0.02


def test_an_isotonic_fit_is_the_same_for_any_order_of_the_events() -> None:
    log_odds, labels = a_sample(5000)
    order = np.random.default_rng(1).permutation(5000)
    assert fit_isotonic(log_odds[order], labels[order]) == fit_isotonic(log_odds, labels)


def test_scores_never_fall_as_log_odds_rise_not_even_by_rounding() -> None:
    log_odds, labels = a_sample()
    fitted = fit_isotonic(log_odds, labels)
    near = np.concatenate([np.nextafter(fitted.log_odds, side) for side in (-np.inf, np.inf)])
    steps = np.sort(np.concatenate([np.linspace(-12, 12, 50_000), fitted.log_odds, near]))
    for probabilities in (fitted.probabilities(steps), fit_platt(log_odds, labels).probabilities(steps)):
        assert all(low <= high for low, high in pairwise(probabilities.tolist()))
        assert 0 <= probabilities[0] < probabilities[-1] <= 1


def test_the_curve_goes_through_its_knots_straight_between_and_level_beyond() -> None:
    curve = Isotonic((-1.0, 1.0, 2.0), (0.1, 0.5, 0.5))
    found = curve.probabilities(np.array([-9.0, -1.0, 0.0, 1.0, 1.5, 2.0, 9.0]))
    assert found.tolist() == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5, 0.5, 0.5])


def test_one_knot_is_a_constant() -> None:
    assert Isotonic((0.0,), (0.25,)).probabilities(np.array([-1.0, 0.0, 1.0])).tolist() == [0.25] * 3


@pytest.mark.parametrize(
    ("log_odds", "values"),
    [
        ((), ()),
        ((0.0, 0.0), (0.1, 0.2)),
        ((0.0, 1.0), (0.2, 0.1)),
        ((0.0, 1.0), (0.2,)),
        ((0.0, np.inf), (0.1, 0.2)),
        ((0.0,), (1.5,)),
        ((np.nan,), (0.5,)),
        ((0.0,), (np.nan,)),
    ],
)
def test_knots_that_make_no_curve_are_refused(log_odds: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(NotMonotone):
        Isotonic(log_odds, values)


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (np.nan, 0.0), (np.inf, 0.0), (1.0, np.nan)])
def test_lines_that_do_not_rise_are_refused(slope: float, intercept: float) -> None:
    with pytest.raises(NotMonotone):
        Platt(slope, intercept)
