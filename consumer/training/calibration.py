"""From a model's log-odds to probabilities: two monotone maps, each fitted on events that the model did not learn from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from consumer.training.logistic import OneClassOnly, fit_logistic
from consumer.training.metrics import Labels, Scores

LogOdds: TypeAlias = npt.NDArray[np.float64]
"""Shape [N], natural logarithm of the odds of fraud."""
_PLATT_PENALTY = 1e-3
"""Next to nothing against a hundred events, but keeps the slope finite where a threshold parts the classes."""
_DIGITS = 9
"""Log-odds that agree so far count as equal, so that no segment gets too steep for float64."""


class NotMonotone(ValueError):
    """A calibration must not turn the order of scores around: the model ranks worse than chance, or its knots are out of order."""


@dataclass(frozen=True)
class Platt:
    """probability = 1 / (1 + exp(-(slope x log-odds + intercept))); keeps every difference between scores."""

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (0 < self.slope < math.inf and math.isfinite(self.intercept)):
            raise NotMonotone(NotMonotone.__doc__)

    def probabilities(self, log_odds: LogOdds) -> Scores:
        """Return the calibrated probabilities, shape [N]."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * log_odds + self.intercept).clip(-500, 500))), np.float64)


class Segments(NamedTuple):
    """The pieces of a piecewise-linear map with K knots, K + 1 each: where a piece starts, its value there, slope and highest value."""

    starts: LogOdds
    values: Scores
    slopes: Scores
    ceilings: Scores


@dataclass(frozen=True)
class Isotonic:
    """A non-decreasing curve through knots, straight between them and level beyond both ends: there, scores tie."""

    log_odds: tuple[float, ...]
    """Ascending, at least one."""
    values: tuple[float, ...]
    """The probability at each knot, non-decreasing."""

    def __post_init__(self) -> None:
        rises = all(low < high for low, high in pairwise(self.log_odds)) and np.isfinite(self.log_odds).all()
        is_ordered = all(low <= high for low, high in pairwise((0.0, *self.values, 1.0)))
        if not (rises and is_ordered and len(self.log_odds) == len(self.values) > 0):
            raise NotMonotone(NotMonotone.__doc__)

    def segments(self) -> Segments:
        """Return the pieces in order; piece i is for log-odds at or above i knots and below the others."""
        starts, values = np.array(self.log_odds), np.array(self.values)
        slopes = np.concatenate([[0.0], np.diff(values) / np.diff(starts), [0.0]])
        return Segments(_repeat_first(starts), _repeat_first(values), slopes, np.append(values, values[-1]))

    def probabilities(self, log_odds: LogOdds) -> Scores:
        """Return the calibrated probabilities, shape [N]."""
        pieces = np.searchsorted(self.log_odds, log_odds, side="right")
        starts, values, slopes, ceilings = (part[pieces] for part in self.segments())
        # Rounding may lift the end of a piece over the start of the next; the ceiling keeps the order.
        return np.minimum(values + slopes * (log_odds - starts), ceilings)


def fit_platt(log_odds: LogOdds, labels: Labels) -> Platt:
    """Fit slope and intercept by maximum likelihood; raises `OneClassOnly`, `NotMonotone`, `NotConverged`."""
    fitted = fit_logistic(log_odds.astype(np.float32)[:, None], labels, _PLATT_PENALTY)
    slope = float(fitted.weights[0])
    return Platt(slope, fitted.bias - slope * float(fitted.means[0]))


def fit_isotonic(log_odds: LogOdds, labels: Labels, knots: int = 64) -> Isotonic:
    """Fit by pooling adjacent violators, then merge the neighbours that differ least until `knots` pools are left.

    Each pool is a knot at its mean log-odds and its share of fraud. Deterministic; raises `OneClassOnly`.
    """
    if not 0 < labels.mean() < 1:
        raise OneClassOnly(OneClassOnly.__doc__)
    pools = _merge_closest(_pool_violators(_group_equal(log_odds, labels)), knots)
    sizes, frauds, sums = np.array(pools).T
    return Isotonic(tuple((sums / sizes).tolist()), tuple((frauds / sizes).tolist()))


class _Pool(NamedTuple):
    """Events next to each other in the order of their log-odds."""

    size: float
    frauds: float
    log_odds_sum: float

    @property
    def share(self) -> float:
        return self.frauds / self.size


def _group_equal(log_odds: LogOdds, labels: Labels) -> list[_Pool]:
    found, places = np.unique(np.round(log_odds, _DIGITS), return_inverse=True)
    counts = np.bincount(places).astype(np.float64)
    frauds = np.bincount(places, labels)
    return [_Pool(*row) for row in zip(counts.tolist(), frauds.tolist(), (found * counts).tolist(), strict=True)]


def _pool_violators(groups: list[_Pool]) -> list[_Pool]:
    pools: list[_Pool] = []
    for group in groups:
        pools.append(group)
        while len(pools) > 1 and pools[-2].share >= pools[-1].share:
            last = pools.pop()
            pools[-1] = _join(pools[-1], last)
    return pools


def _merge_closest(pools: list[_Pool], limit: int) -> list[_Pool]:
    """Merge the neighbours whose union adds least to the squared error, one pair at a time; the first of equals."""
    left = list(pools)
    while len(left) > limit:
        losses = [_loss_of_merging(low, high) for low, high in pairwise(left)]
        place = losses.index(min(losses))
        left[place : place + 2] = [_join(*left[place : place + 2])]
    return left


def _join(low: _Pool, high: _Pool) -> _Pool:
    return _Pool(low.size + high.size, low.frauds + high.frauds, low.log_odds_sum + high.log_odds_sum)


def _loss_of_merging(low: _Pool, high: _Pool) -> float:
    return low.size * high.size / (low.size + high.size) * (high.share - low.share) ** 2


def _repeat_first(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.concatenate([values[:1], values])
