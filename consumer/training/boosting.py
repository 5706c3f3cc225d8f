"""CatBoost's symmetric trees, with what must be fixed for the same bytes twice: threads, borders, seed. Imported when needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from consumer.scoring.features import Matrix
from consumer.training.errors import TrainingRefused, need
from consumer.training.metrics import Labels, Scores

BORDERS, FINE_BORDERS = 32, 254
THREADS = 2
"""Fixed, whatever the machine has: sums in another order give other trees."""
_PATIENCE = 40
"""Rounds without a lower log loss on the judged rows after which a fit stops."""


@dataclass(frozen=True)
class Settings:
    """What is chosen on the validation folds."""

    depth: int
    learning_rate: float
    l2: float
    is_balanced: bool
    """Whether a fraud weighs sqrt(genuine / frauds) in the fit; else all events weigh 1. Calibration undoes the shift either way."""
    iterations: int
    """How many trees at most; early stopping takes fewer where there are rows to judge by."""
    borders: int = BORDERS
    """How many thresholds a feature may have. Few keep a model from its training data's details, many show it the tails."""

    def __str__(self) -> str:
        weight = "frauds weigh more" if self.is_balanced else "no weights"
        fine = "" if self.borders == BORDERS else f", {self.borders} borders"
        return f"depth {self.depth}, learning rate {self.learning_rate:g}, L2 {self.l2:g}, {weight}{fine}"


GRID = (
    Settings(depth=4, learning_rate=0.1, l2=3.0, is_balanced=False, iterations=400),
    Settings(depth=5, learning_rate=0.1, l2=3.0, is_balanced=False, iterations=400),
    Settings(depth=6, learning_rate=0.1, l2=3.0, is_balanced=False, iterations=400),
    Settings(depth=6, learning_rate=0.05, l2=10.0, is_balanced=False, iterations=400),
    Settings(depth=6, learning_rate=0.1, l2=30.0, is_balanced=False, iterations=400),
    Settings(depth=6, learning_rate=0.1, l2=3.0, is_balanced=True, iterations=400),
    Settings(depth=5, learning_rate=0.1, l2=3.0, is_balanced=False, iterations=400, borders=FINE_BORDERS),
)
"""Few on purpose: the figures hardly move between neighbours, and every one costs a fit a fold."""


class Judged(NamedTuple):
    """Later rows whose log loss says when to stop."""

    features: Matrix
    labels: Labels


@dataclass(frozen=True)
class Forest:
    """A fitted CatBoost model."""

    model: Any

    @property
    def trees(self) -> int:
        """How many trees it has, after early stopping."""
        return int(self.model.tree_count_)

    def log_odds(self, features: Matrix) -> Scores:
        """Return the log-odds before calibration, float64, shape [N]."""
        raw = self.model.predict(features, prediction_type="RawFormulaVal", thread_count=THREADS)
        return np.asarray(raw, np.float64)

    def importance(self) -> Scores:
        """Return, per feature, its share in the change of predictions, in per cent (CatBoost's PredictionValuesChange)."""
        return np.asarray(
            self.model.get_feature_importance(type="PredictionValuesChange", thread_count=THREADS), np.float64
        )


def fit_forest(features: Matrix, labels: Labels, settings: Settings, seed: int, judged: Judged | None = None) -> Forest:
    """Fit symmetric trees to `features` [N, F]; with `judged`, stop early and keep the best number of trees.

    Equal arguments give equal models on the same machine. Raises `TrainingRefused` if CatBoost is not installed or gives up.
    """
    catboost = need("catboost")
    frauds = int(labels.sum())
    weight = math.sqrt((len(labels) - frauds) / frauds) if settings.is_balanced else 1.0
    model = catboost.CatBoostClassifier(
        loss_function="Logloss", grow_policy="SymmetricTree", boosting_type="Plain", nan_mode="Min",
        border_count=settings.borders, feature_border_type="GreedyLogSum", iterations=settings.iterations, depth=settings.depth,
        learning_rate=settings.learning_rate, l2_leaf_reg=settings.l2, scale_pos_weight=weight, random_seed=seed,
        thread_count=THREADS, early_stopping_rounds=_PATIENCE if judged else None, use_best_model=judged is not None,
        allow_writing_files=False, logging_level="Silent",
    )  # fmt: skip
    held = catboost.Pool(judged.features, judged.labels.astype(np.int8)) if judged else None
    try:
        model.fit(catboost.Pool(features, labels.astype(np.int8)), eval_set=held)
    except catboost.CatBoostError as error:
        remedy = "A data set whose features never vary teaches nothing: look at the mapping of its columns."
        raise TrainingRefused(f"CatBoost gave up: {error}", remedy) from error
    return Forest(model)
