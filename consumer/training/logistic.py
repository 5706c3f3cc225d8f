"""Logistic regression by Newton's method with an L2 penalty, in numpy. No resampling, so that its scores are probabilities."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from consumer.scoring.features import Matrix
from consumer.training.metrics import Labels, Scores

_Floats: TypeAlias = npt.NDArray[np.float64]
_MIN_SPREAD = 0.5
"""Rarer flags count as spread out this far, else the penalty would leave their weights to a handful of events."""
_MAX_STEPS = 50
_CONVERGED = 1e-9
_ROUNDING = 1e-12
_DIGITS = 6
_PART_ROWS = 8_192


class NotConverged(ArithmeticError):
    """Newton's method did not settle: look for a feature that separates the classes alone, or raise the penalty."""


class OneClassOnly(ValueError):
    """There is no fraud in the data, or nothing but fraud: simulate or label more events."""


@dataclass(frozen=True)
class LinearModel:
    """log-odds = bias + sum over the features of weight x (value - mean), a missing value standing at its mean."""

    means: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    bias: float

    def probabilities(self, features: Matrix) -> Scores:
        """Return P(fraud), shape [N], in float64: what the exported graph must agree with to about 1e-6."""
        centred = np.where(np.isnan(features), 0.0, features.astype(np.float64) - self.means)
        return _sigmoid(centred @ self.weights.astype(np.float64) + self.bias)


def fit_logistic(features: Matrix, labels: Labels, penalty: float = 1.0) -> LinearModel:
    """Fit `features` [N, F] (NaN for missing) to `labels` [N]; raises `NotConverged`, `OneClassOnly`.

    `penalty` is half of L2's factor on the weights per standard deviation; the bias is free. Deterministic; the result is rounded to
    six significant digits, so that the last bits of a linear algebra library do not show. Besides `features` it needs little memory.
    """
    means = column_means(features).astype(np.float32)
    scales = _column_scales(features, means)
    solution = _solve(_Design(features, means, scales), labels, penalty)
    weights = _round_digits(solution[:-1] * scales).astype(np.float32)
    return LinearModel(means, weights, float(_round_digits(solution[-1:])[0]))


@dataclass(frozen=True)
class _Design:
    """The standardised features in float64, a missing value at 0, and a last column of ones for the bias."""

    features: Matrix
    means: npt.NDArray[np.float32]
    scales: _Floats

    @property
    def width(self) -> int:
        return int(self.features.shape[1]) + 1

    def parts(self) -> Iterator[tuple[slice, _Floats]]:
        """Yield it in pieces, since a copy in float64 would need twice the memory of the data."""
        for start in range(0, len(self.features), _PART_ROWS):
            rows = slice(start, start + _PART_ROWS)
            part = np.ones((len(self.features[rows]), self.width), np.float64)
            centred = self.features[rows].astype(np.float64) - self.means
            part[:, :-1] = np.where(np.isnan(centred), 0.0, centred) * self.scales
            yield rows, part


def column_means(features: Matrix) -> _Floats:
    """Return the mean of what is there, column by column, to six significant digits; 0 where nothing is. Shape [F]."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")
        means = [np.nanmean(column, dtype=np.float64) for column in features.T]
    return _round_digits(np.nan_to_num(np.array(means)))


def _column_scales(features: Matrix, means: npt.NDArray[np.float32]) -> _Floats:
    columns = zip(features.T, means.astype(np.float64), strict=True)
    squares = [np.nansum((column - mean) ** 2) / len(column) for column, mean in columns]
    spreads = np.sqrt(np.array(squares))
    return np.where(spreads > 0, 1 / np.maximum(spreads, _MIN_SPREAD), 0.0)


def _solve(design: _Design, labels: Labels, penalty: float) -> _Floats:
    """Return the penalised maximum of the likelihood; its last value is the bias."""
    ridge = np.full(design.width, penalty)
    ridge[-1] = 0.0
    share = float(labels.mean())
    if not 0 < share < 1:
        raise OneClassOnly(OneClassOnly.__doc__)
    solution = np.zeros(design.width)
    solution[-1] = np.log(share / (1 - share))
    for _ in range(_MAX_STEPS):
        step = _newton_step(design, labels, ridge, solution)
        if np.abs(step).max() < _CONVERGED:
            return solution - step
        solution = _descend(design, labels, ridge, solution, step)
    raise NotConverged(NotConverged.__doc__)


def _newton_step(design: _Design, labels: Labels, ridge: _Floats, solution: _Floats) -> _Floats:
    gradient, hessian = ridge * solution, np.diag(ridge)
    for rows, part in design.parts():
        odds = _sigmoid(part @ solution)
        gradient = gradient + part.T @ (odds - labels[rows])
        weighted = part * np.sqrt(odds * (1 - odds))[:, None]
        hessian = hessian + weighted.T @ weighted
    try:
        return np.asarray(np.linalg.solve(hessian, gradient), np.float64)
    except np.linalg.LinAlgError as error:
        raise NotConverged(NotConverged.__doc__) from error


def _descend(design: _Design, labels: Labels, ridge: _Floats, solution: _Floats, step: _Floats) -> _Floats:
    """Return `solution` after the step, halved until the loss does not rise: a full first step overshoots on rare fraud."""
    allowed = _loss(design, labels, ridge, solution) * (1 + _ROUNDING)
    while _loss(design, labels, ridge, solution - step) > allowed:
        step = step / 2
    return np.asarray(solution - step, np.float64)


def _loss(design: _Design, labels: Labels, ridge: _Floats, solution: _Floats) -> float:
    loss = float((ridge * solution**2).sum()) / 2
    for rows, part in design.parts():
        log_odds = part @ solution
        loss += float((np.logaddexp(0, log_odds) - labels[rows] * log_odds).sum())
    return loss


def _sigmoid(log_odds: _Floats) -> _Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))), np.float64)


def _round_digits(values: _Floats) -> _Floats:
    return np.array([float(f"{value:.{_DIGITS}g}") for value in values], np.float64)
