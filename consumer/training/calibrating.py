"""Which calibration turns log-odds into probabilities: Platt's two numbers or isotonic steps, whichever held better on the folds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from consumer.training.calibration import Isotonic, NotMonotone, Platt, fit_isotonic, fit_platt
from consumer.training.choice import Held
from consumer.training.errors import TrainingRefused
from consumer.training.logistic import NotConverged
from consumer.training.metrics import Labels, Scores

Fit: TypeAlias = Callable[[Scores, Labels], Platt | Isotonic]
METHODS: Mapping[str, Fit] = MappingProxyType({"Platt": fit_platt, "isotonic": fit_isotonic})
_LEAST = 1e-6


def choose_calibration(held: Sequence[Held]) -> str:
    """Return the method with the lower log loss: fitted to the earlier half of each fold's judged events, measured on the later."""
    return min(METHODS, key=lambda name: sum(_measure(METHODS[name], one) for one in held))


def calibrate(method: str, log_odds: Scores, labels: Labels) -> Platt | Isotonic:
    """Return the calibration fitted to events that the model did not learn from; raises `TrainingRefused` where there is none."""
    try:
        return METHODS[method](log_odds, labels)
    except (NotMonotone, NotConverged) as error:
        remedy = (
            "Look at the labels and the mapping of the columns: the model ranks later events no better than chance."
        )
        raise TrainingRefused(f"the scores cannot be calibrated ({error})", remedy) from error


def _measure(fit: Fit, held: Held) -> float:
    """Return the mean log loss, infinity where the method does not fit, 0 where the earlier half teaches neither."""
    half = len(held.labels) // 2
    if not 0 < held.labels[:half].mean() < 1:
        return 0.0
    try:
        calibration = fit(held.log_odds[:half], held.labels[:half])
    except (NotMonotone, NotConverged):
        return math.inf
    odds = np.clip(calibration.probabilities(held.log_odds[half:]), _LEAST, 1 - _LEAST)
    return float(-np.log(np.where(held.labels[half:], odds, 1 - odds)).mean())
