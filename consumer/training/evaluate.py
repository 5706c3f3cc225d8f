"""The figures that a manifest shows, on events later than those that the model learned from."""

from __future__ import annotations

import math

import numpy as np

from consumer.scoring.manifest import Calibration
from consumer.scoring.model import Model
from consumer.scoring.policy import Policy
from consumer.training.dataset import Dataset
from consumer.training.metrics import (
    Labels,
    Scores,
    measure_average_precision,
    measure_calibration_error,
    measure_precision,
    measure_recall,
    measure_roc_auc,
)

_METHOD = "none needed: logistic regression on the true mix of events, without resampling"


def score(model: Model, held_out: Dataset) -> Scores:
    """Return the scores as they are served: by ONNX Runtime, in float32; widened to float64, shape [N]."""
    return model.probabilities(held_out.features).astype(np.float64)


def measure(held_out: Dataset, scores: Scores, policy: Policy) -> dict[str, float]:
    """Return the metrics by name; what cannot be measured, such as a pattern that did not occur, is left out."""
    alerts = np.array([policy.judge(float(value)).alerts for value in scores], np.bool_)
    metrics = {
        "roc_auc": measure_roc_auc(held_out.labels, scores),
        "average_precision": measure_average_precision(held_out.labels, scores),
        "fraud_share": float(held_out.labels.mean()),
        "alert_share": float(alerts.mean()),
        "alert_precision": measure_precision(held_out.labels, alerts),
        "alert_recall": measure_recall(held_out.labels, alerts),
    }
    for pattern in sorted({pattern for pattern in held_out.patterns if pattern}):
        metrics |= _measure_pattern(pattern, held_out, scores, alerts)
    return {name: round(value, 6) for name, value in metrics.items() if math.isfinite(value)}


def calibrate(held_out: Dataset, scores: Scores) -> Calibration:
    """Return how far the scores are from probabilities."""
    return Calibration(
        method=_METHOD,
        error=round(measure_calibration_error(held_out.labels, scores), 6),
        mean_predicted=round(float(scores.mean()), 6),
        observed=round(float(held_out.labels.mean()), 6),
    )


def _measure_pattern(pattern: str, held_out: Dataset, scores: Scores, alerts: Labels) -> dict[str, float]:
    """Measure one kind of fraud against all genuine events, other kinds left out."""
    members = np.array([found == pattern for found in held_out.patterns], np.bool_)
    rows = members | ~held_out.labels
    return {
        f"{pattern}.roc_auc": measure_roc_auc(members[rows], scores[rows]),
        f"{pattern}.average_precision": measure_average_precision(members[rows], scores[rows]),
        f"{pattern}.alert_recall": measure_recall(members, alerts),
    }
