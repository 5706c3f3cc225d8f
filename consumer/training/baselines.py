"""What a model must beat: the amount alone, the best single rule, logistic regression, the same trees without velocity. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from consumer.scoring.features import Matrix
from consumer.training.metrics import Labels, Scores

_TAILS = 2.0 ** -np.arange(7, 15)
_LEVELS = np.concatenate([np.arange(64) / 64, _TAILS, 1 - _TAILS])
"""Thresholds tried a feature, as quantiles of its values: in even steps, and in both tails, as fraud is rarer than a step is wide."""


class Rule(NamedTuple):
    """An alert whenever one feature is above (or at most) a threshold; never where it is missing."""

    feature: str
    is_above: bool
    threshold: float
    average_precision: float
    """On the events that it was picked on."""

    def __str__(self) -> str:
        return f"{self.feature} {'>' if self.is_above else '<='} {self.threshold:g}"


def find_best_rule(features: Matrix, labels: Labels, names: tuple[str, ...]) -> Rule:
    """Return the rule with the highest average precision over all features, thresholds at `_LEVELS` and both directions."""
    rules = [rule for column, name in enumerate(names) for rule in _rules(name, features[:, column], labels)]
    return max(rules, key=lambda rule: rule.average_precision)


def apply_rule(rule: Rule, features: Matrix, names: tuple[str, ...]) -> Scores:
    """Return 1.0 where the rule fires, else 0.0; shape [N]."""
    values = features[:, names.index(rule.feature)]
    fires = values > rule.threshold if rule.is_above else values <= rule.threshold
    return fires.astype(np.float64)


def _rules(name: str, values: Matrix, labels: Labels) -> list[Rule]:
    """Return the column's best rule in either direction."""
    is_there = ~np.isnan(values)
    present, frauds = values[is_there], labels[is_there]
    if not len(present):
        return [Rule(name, is_above=True, threshold=0.0, average_precision=0.0)]
    edges = np.unique(np.quantile(present, _LEVELS, method="lower"))
    places = np.searchsorted(edges, present, side="left")
    flagged = np.cumsum(np.bincount(places, minlength=len(edges) + 1))[:-1]
    caught = np.cumsum(np.bincount(places, weights=frauds, minlength=len(edges) + 1))[:-1]
    found = []
    for is_above in (True, False):
        count, hits = (len(present) - flagged, frauds.sum() - caught) if is_above else (flagged, caught)
        precisions = _average_precision(count.astype(np.float64), hits.astype(np.float64), labels)
        best = int(np.argmax(precisions))
        found.append(Rule(name, is_above, float(edges[best]), float(precisions[best])))
    return found


def _average_precision(flagged: Scores, caught: Scores, labels: Labels) -> Scores:
    """Return the average precision of scores that are 1 for what is flagged and 0 for the rest."""
    total = labels.sum()
    precision = np.divide(caught, flagged, out=np.zeros(len(caught)), where=flagged > 0)
    return np.asarray((caught * precision + (total - caught) * labels.mean()) / total, np.float64)
