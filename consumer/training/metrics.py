"""How good scores are: ranking and calibration. Own and small, so that training needs nothing but numpy."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Scores: TypeAlias = npt.NDArray[np.float64]
"""Shape [N], higher is more suspicious."""
Labels: TypeAlias = npt.NDArray[np.bool_]
"""Shape [N], true for fraud."""


def measure_roc_auc(labels: Labels, scores: Scores) -> float:
    """Return the probability that a random fraud scores above a random genuine event, ties counting half (Mann-Whitney U).

    NaN unless both kinds are there.
    """
    frauds = int(labels.sum())
    genuine = len(labels) - frauds
    if not frauds or not genuine:
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((mean_ranks[places][labels].sum() - frauds * (frauds + 1) / 2) / (frauds * genuine))


def measure_average_precision(labels: Labels, scores: Scores) -> float:
    """Return the mean over the frauds of the precision at each one's score, equal scores taken together; NaN without fraud."""
    if not labels.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    caught = np.cumsum(labels[order])[last_of_ties]
    flagged = np.flatnonzero(last_of_ties) + 1
    return float((np.diff(caught, prepend=0) * caught / flagged).sum() / labels.sum())


def measure_calibration_error(labels: Labels, scores: Scores, groups: int = 10) -> float:
    """Return the expected calibration error: |mean score - fraud share| over `groups` of equal size by score, weighted by size."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, groups) if len(part)]
    return float(sum(abs(scores[part].mean() - labels[part].mean()) * len(part) for part in parts) / len(scores))


def measure_precision(labels: Labels, flagged: Labels) -> float:
    """Return the share of fraud among what is flagged; NaN when nothing is."""
    return float(labels[flagged].mean()) if flagged.any() else float("nan")


def measure_recall(labels: Labels, flagged: Labels) -> float:
    """Return the share of the fraud that is flagged; NaN without fraud."""
    return float(flagged[labels].mean()) if labels.any() else float("nan")
