"""A model beside what it must beat, on test weeks that nothing was chosen on: the report that `train` and `evaluate` give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from consumer.scoring.features import EVENT
from consumer.scoring.model import Model
from consumer.scoring.policy import Policy
from consumer.training.baselines import apply_rule, find_best_rule
from consumer.training.boosting import Settings
from consumer.training.cards import NEW_CARD_DAYS
from consumer.training.choice import Say, fit_fold
from consumer.training.dataset import Dataset
from consumer.training.errors import TrainingRefused
from consumer.training.logistic import NotConverged, fit_logistic
from consumer.training.metrics import Labels, Scores
from consumer.training.periods import Split
from consumer.training.quality import (
    Contender,
    PatternQuality,
    Probabilities,
    figures,
    measure_contender,
    measure_patterns,
    measure_probabilities,
)
from consumer.training.transform import learn_transform

MODEL, PERFECT = "model", "perfect ranking"
AMOUNT, RULE, LOGISTIC, PLAIN_TREES = "amount only", "best single rule", "logistic regression", "trees without velocity"
BASELINE_STEPS = 3
"""How often `score_baselines` tells what comes next, at most."""
_BATCH_ROWS = 8_192
_NO_CARDS = (
    "Events name no card, so users stand for cards in card precision: "
    f"left out for {NEW_CARD_DAYS} days after a fraud of theirs became known."
)


@dataclass(frozen=True)
class Report:
    """What was measured on the test weeks; the model's baselines learned from the same events and labels as a new model would."""

    data: str
    model_version: str
    test_start_ms: int
    test_end_ms: int
    events: int
    frauds: int
    model: Contender
    baselines: tuple[Contender, ...]
    perfect: Contender
    probabilities: Probabilities
    patterns: tuple[PatternQuality, ...]
    warnings: tuple[str, ...] = ()

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """The model first, the perfect ranking last."""
        return (self.model, *self.baselines, self.perfect)

    def share_of_perfect(self, figure: str) -> float:
        """Return the model's figure as a share of the perfect ranking's; NaN where not even that one finds anything."""
        best = getattr(self.perfect.ranking, figure)
        return float(getattr(self.model.ranking, figure) / best) if best else float("nan")

    def gain(self, baseline: Contender, figure: str) -> float:
        """Return by how much the model's figure exceeds the baseline's."""
        return float(getattr(self.model.ranking, figure) - getattr(baseline.ranking, figure))

    def document(self) -> dict[str, Any]:
        """Return everything as JSON can hold it: null for what cannot be measured."""
        document = asdict(self)
        for contender, inner in zip(self.contenders, _inner(document), strict=True):
            inner["spread"] = {figure: asdict(contender.spread(figure)) for figure in figures()}
        document["share_of_perfect"] = {figure: self.share_of_perfect(figure) for figure in figures()}
        document["gain"] = {
            baseline.name: {figure: self.gain(baseline, figure) for figure in figures()} for baseline in self.baselines
        }
        return {key: _without_nan(value) for key, value in document.items()}


def score_rows(model: Model, dataset: Dataset, rows: slice) -> Scores:
    """Return the scores as they are served, by ONNX Runtime in float32; widened to float64, shape of the rows."""
    starts = range(rows.start, rows.stop, _BATCH_ROWS)
    parts = (slice(start, min(start + _BATCH_ROWS, rows.stop)) for start in starts)
    scores = [model.probabilities(np.ascontiguousarray(dataset.features[part])) for part in parts]
    return np.concatenate([np.empty(0, np.float32), *scores]).astype(np.float64)


def judge_alerts(policy: Policy, scores: Scores) -> Labels:
    """Return which scores alert by the policy's own thresholds; segments and lists need more than a score."""
    distinct, places = np.unique(scores, return_inverse=True)
    verdicts = [policy.judge_score(score).alerts for score in distinct.tolist()]
    return np.array(verdicts, np.bool_)[places]


def make_report(
    dataset: Dataset, split: Split, scores: Scores, alerts: Labels, *, version: str, baselines: Mapping[str, Scores]
) -> Report:
    """Return the report on `scores` and `alerts` of a model and the scores of baselines: the test's rows in their order."""
    rows = dataset.rows(split.test.start_ms, split.test.end_ms)
    labels = dataset.truth[rows]

    def measure(name: str, scores: Scores) -> Contender:
        return measure_contender(name, dataset, split.test, split.weeks, scores)

    return Report(
        data=dataset.source,
        model_version=version,
        test_start_ms=split.test.start_ms,
        test_end_ms=split.test.end_ms,
        events=len(labels),
        frauds=int(labels.sum()),
        model=measure(MODEL, scores),
        baselines=tuple(measure(*baseline) for baseline in baselines.items()),
        perfect=measure(PERFECT, labels.astype(np.float64)),
        probabilities=measure_probabilities(labels, scores, alerts),
        patterns=tuple(measure_patterns(dataset, rows, scores, alerts)),
        warnings=() if dataset.has_cards else (_NO_CARDS,),
    )


def score_baselines(
    dataset: Dataset, split: Split, settings: Settings, seed: int, say: Say
) -> Iterator[tuple[str, Scores]]:
    """Yield each baseline's name and its scores of the test's rows, learned from the final fold's past.

    Trees without velocity are left out where the data has no velocity or CatBoost is not installed, logistic regression where it
    does not settle.
    """
    test = dataset.rows(split.test.start_ms, split.test.end_ms)
    past = slice(0, dataset.rows(0, split.final.learn_until_ms).stop)
    labels = dataset.labels_known(split.final.cut_ms)[past]
    yield AMOUNT, dataset.amounts[test]
    say(RULE)
    rule = find_best_rule(dataset.features[past], labels, dataset.names)
    yield f"{RULE}: {rule}", apply_rule(rule, dataset.features[test], dataset.names)
    say(LOGISTIC)
    try:
        transform = learn_transform(dataset.features[past])
        linear = fit_logistic(transform.apply(dataset.features[past]), labels)
        yield LOGISTIC, linear.probabilities(transform.apply(dataset.features[test]))
    except NotConverged:
        pass
    if dataset.feature_set != EVENT.name:
        say(PLAIN_TREES)
        yield from _score_plain_trees(dataset.narrow(EVENT.name), split, settings, seed, test)


def _score_plain_trees(
    dataset: Dataset, split: Split, settings: Settings, seed: int, test: slice
) -> Iterator[tuple[str, Scores]]:
    try:
        forest = fit_fold(dataset, split.final, settings, seed)
    except TrainingRefused:
        return
    yield PLAIN_TREES, forest.log_odds(dataset.features[test])


def with_warnings(report: Report, *warnings: str) -> Report:
    """Return the report with more remarks that a reader must see before its figures."""
    return replace(report, warnings=(*report.warnings, *warnings))


def _inner(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [document["model"], *document["baselines"], document["perfect"]]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
