"""The model card's pictures as PNG bytes: the same bytes for the same figures, without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from consumer.training.errors import need
from consumer.training.metrics import Labels, Scores

_SIZE, _DPI = (6.4, 4.2), 80
_GROUPS, _BINS, _MOST_FEATURES, _MOST_POINTS = 20, 50, 20, 400
_LEAST_SHARE = 1e-6


def draw_pictures(
    labels: Labels, contenders: Mapping[str, Scores], names: Sequence[str], importance: Scores, threshold: float
) -> dict[str, bytes]:
    """Return the pictures by file name; the first contender is the model."""
    scores = next(iter(contenders.values()))
    return {
        "precision-recall.png": draw_precision_recall(labels, contenders),
        "calibration.png": draw_calibration(labels, scores),
        "scores.png": draw_scores(labels, scores, threshold),
        "importance.png": draw_importance(names, importance),
    }


def draw_precision_recall(labels: Labels, contenders: Mapping[str, Scores]) -> bytes:
    """Return precision against recall, a line a contender."""
    figure, axes = _new("Precision and recall on the test weeks", "recall", "precision")
    for name, scores in contenders.items():
        recall, precision = _curve(labels, scores)
        axes.plot(recall, precision, label=name, linewidth=1.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=8)
    return _png(figure)


def draw_calibration(labels: Labels, scores: Scores) -> bytes:
    """Return the observed share of fraud against the mean score, in groups of equal size by score, both axes logarithmic."""
    figure, axes = _new("Calibration on the test weeks", "mean score of the group", "observed share of fraud")
    order = np.argsort(scores, kind="stable")
    top = order[-max(_GROUPS, int(2 * labels.sum())) :]
    groups = [*np.array_split(order[: -len(top)], _GROUPS), *np.array_split(top, _GROUPS)]
    points = [(scores[rows].mean(), labels[rows].mean()) for rows in groups if len(rows)]
    predicted, observed = np.array(points).T
    floor = max(_LEAST_SHARE, min(predicted.min(), observed[observed > 0].min(initial=1.0)) / 2)
    is_clean = observed == 0
    axes.plot([floor, 1], [floor, 1], color="grey", linewidth=1)
    axes.loglog(predicted[~is_clean], observed[~is_clean], "o", markersize=4)
    if is_clean.any():
        axes.loglog(
            predicted[is_clean], np.full(is_clean.sum(), floor), "v", markersize=5, label="no fraud in the group"
        )
        axes.legend(fontsize=8)
    return _png(figure)


def draw_scores(labels: Labels, scores: Scores, threshold: float) -> bytes:
    """Return how many genuine and fraudulent events have which score, counts logarithmic, and where alerts begin."""
    figure, axes = _new("Scores on the test weeks", "score", "events")
    edges = np.linspace(0, 1, _BINS + 1).tolist()
    axes.hist(scores[~labels], bins=edges, alpha=0.6, label="genuine", log=True)
    axes.hist(scores[labels], bins=edges, alpha=0.6, label="fraud", log=True)
    axes.axvline(threshold, color="black", linewidth=1, linestyle="--", label="alerts above")
    axes.legend(fontsize=8)
    return _png(figure)


def draw_importance(names: Sequence[str], importance: Scores) -> bytes:
    """Return the features that move the predictions most."""
    figure, axes = _new("Importance", "share in the change of predictions, per cent", "", left=0.34)
    order = np.argsort(-importance, kind="stable")[:_MOST_FEATURES][::-1]
    axes.barh([names[column] for column in order], importance[order])
    axes.tick_params(axis="y", labelsize=7)
    return _png(figure)


def _curve(labels: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Return recall and precision at no more points than can be seen."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    caught = np.cumsum(labels[order])[ends]
    recall, precision = caught / max(1, labels.sum()), caught / (ends + 1)
    shown = np.unique(np.searchsorted(recall, np.linspace(0, 1, _MOST_POINTS)).clip(0, len(ends) - 1))
    return recall[shown], precision[shown]


def _new(title: str, x: str, y: str, left: float = 0.12) -> tuple[Any, Any]:
    figure = need("matplotlib.figure").Figure(figsize=_SIZE, dpi=_DPI)
    figure.subplots_adjust(left=left, right=0.97, bottom=0.12, top=0.92)
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    need("matplotlib.backends.backend_agg").FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
