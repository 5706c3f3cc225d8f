"""How good scores are on a period: the figures, their spread over its weeks, and each kind of fraud alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from consumer.training.cards import measure_card_precision
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
from consumer.training.periods import Period


@dataclass(frozen=True)
class Ranking:
    """How well scores put fraud first; NaN where a figure cannot be had."""

    roc_auc: float
    average_precision: float
    card_precision: float
    """At 100, see `measure_card_precision`."""


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over the weeks, NaN for fewer than two; weeks without a figure are left out."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Contender:
    """Something that scores: its ranking over the whole test, and week by week."""

    name: str
    ranking: Ranking
    weeks: tuple[Ranking, ...]

    def spread(self, figure: str) -> Spread:
        """Return the spread of a figure of `Ranking` over the weeks."""
        values = np.array([getattr(week, figure) for week in self.weeks])
        values = values[~np.isnan(values)]
        deviation = float(values.std()) if len(values) > 1 else np.nan
        return Spread(float(values.mean()) if len(values) else np.nan, deviation)


@dataclass(frozen=True)
class Probabilities:
    """How far the scores are from probabilities, and what the policy's threshold makes of them."""

    calibration_error: float
    mean_predicted: float
    observed: float
    alert_share: float
    alert_precision: float
    alert_recall: float


@dataclass(frozen=True)
class PatternQuality:
    """One kind of fraud against all genuine events, other kinds left out."""

    name: str
    frauds: int
    roc_auc: float
    average_precision: float
    alert_recall: float


def measure_contender(
    name: str, dataset: Dataset, period: Period, weeks: tuple[Period, ...], scores: Scores
) -> Contender:
    """Return the figures of `scores`, which are those of the period's rows in their order."""
    start = dataset.rows(period.start_ms, period.end_ms).start
    parts = [dataset.rows(week.start_ms, week.end_ms) for week in weeks]
    shifted = [slice(part.start - start, part.stop - start) for part in parts]
    by_week = (_rank(dataset, week, scores[part]) for week, part in zip(weeks, shifted, strict=True))
    return Contender(name, _rank(dataset, period, scores), tuple(by_week))


def measure_probabilities(labels: Labels, scores: Scores, alerts: Labels) -> Probabilities:
    """Return how far scores between 0 and 1 are from probabilities, and how good the alerts are."""
    return Probabilities(
        calibration_error=measure_calibration_error(labels, scores),
        mean_predicted=float(scores.mean()),
        observed=float(labels.mean()),
        alert_share=float(alerts.mean()),
        alert_precision=measure_precision(labels, alerts),
        alert_recall=measure_recall(labels, alerts),
    )


def measure_patterns(dataset: Dataset, rows: slice, scores: Scores, alerts: Labels) -> Iterator[PatternQuality]:
    """Yield the quality by kind of fraud, for the kinds that occur as labelled fraud among `rows`."""
    labels = dataset.truth[rows]
    for code, name in enumerate(dataset.pattern_names):
        members = labels & (dataset.patterns[rows] == code)
        if members.any():
            kept = members | ~labels
            yield PatternQuality(
                name,
                int(members.sum()),
                measure_roc_auc(members[kept], scores[kept]),
                measure_average_precision(members[kept], scores[kept]),
                measure_recall(members, alerts),
            )


def show(value: float, form: str) -> str:
    """Return the figure as a text, a dash for what cannot be measured."""
    return "-" if np.isnan(value) else format(value, form)


def figures() -> tuple[str, ...]:
    """Return the names of `Ranking`'s figures."""
    return tuple(field.name for field in fields(Ranking))


def _rank(dataset: Dataset, period: Period, scores: Scores) -> Ranking:
    labels = dataset.truth[dataset.rows(period.start_ms, period.end_ms)]
    precision = measure_card_precision(dataset, period, scores)
    return Ranking(measure_roc_auc(labels, scores), measure_average_precision(labels, scores), precision)
