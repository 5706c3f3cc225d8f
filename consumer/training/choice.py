"""Settings are chosen on the validation folds alone: the mean average precision over the folds decides, the first of equals wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from consumer.training.boosting import Forest, Judged, Settings, fit_forest
from consumer.training.dataset import Dataset
from consumer.training.metrics import Labels, Scores, measure_average_precision
from consumer.training.periods import Fold, Split

Say: TypeAlias = Callable[[str], None]
"""Told what comes next, once a step of roughly equal length."""


@dataclass(frozen=True)
class Trial:
    """One candidate on every fold."""

    settings: Settings
    average_precisions: tuple[float, ...]
    trees: tuple[int, ...]

    @property
    def mean(self) -> float:
        """The mean average precision over the folds."""
        return float(np.mean(self.average_precisions))

    @property
    def deviation(self) -> float:
        """Its standard deviation (of the folds, not of their mean)."""
        return float(np.std(self.average_precisions))


@dataclass(frozen=True)
class Held:
    """What the chosen settings said of a fold's judged events, in the order of time: what calibration is chosen on."""

    log_odds: Scores
    labels: Labels


@dataclass(frozen=True)
class Choice:
    """The chosen settings, with the number of trees that early stopping took in the middle fold; all trials, best first."""

    settings: Settings
    trials: tuple[Trial, ...]
    held: tuple[Held, ...]


def choose_settings(dataset: Dataset, split: Split, grid: Sequence[Settings], seed: int, say: Say) -> Choice:
    """Fit every candidate on every fold and return the best; tells `say` of each fit."""
    found = [_try(dataset, split, settings, seed, say) for settings in grid]
    found.sort(key=lambda pair: -pair[0].mean)
    best, held = found[0]
    trees = max(1, round(float(np.median(best.trees))))
    return Choice(replace(best.settings, iterations=trees), tuple(trial for trial, _ in found), held)


def _try(dataset: Dataset, split: Split, settings: Settings, seed: int, say: Say) -> tuple[Trial, tuple[Held, ...]]:
    held, trees = [], []
    for number, fold in enumerate(split.folds, 1):
        say(f"fold {number} of {len(split.folds)}: {settings}")
        judged = judged_rows(dataset, fold, split.test.start_ms)
        forest = fit_fold(dataset, fold, settings, seed, judged)
        held.append(Held(forest.log_odds(judged.features), judged.labels))
        trees.append(forest.trees)
    precisions = tuple(measure_average_precision(one.labels, one.log_odds) for one in held)
    return Trial(settings, precisions, tuple(trees)), tuple(held)


def fit_fold(dataset: Dataset, fold: Fold, settings: Settings, seed: int, judged: Judged | None = None) -> Forest:
    """Return the trees that the fold's past gives, by what was known of it at the fold's cut."""
    count = dataset.rows(0, fold.learn_until_ms).stop
    return fit_forest(dataset.features[:count], dataset.labels_known(fold.cut_ms)[:count], settings, seed, judged)


def judged_rows(dataset: Dataset, fold: Fold, cut_ms: int) -> Judged:
    """Return the fold's judged events with the labels that were known at `cut_ms`."""
    rows = dataset.rows(fold.judged.start_ms, fold.judged.end_ms)
    return Judged(dataset.features[rows], dataset.labels_known(cut_ms)[rows])
