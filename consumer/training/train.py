"""From backfill's output to a verified bundle: read, fit, measure, write, and the model card beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from consumer.scoring.features import FEATURE_SETS
from consumer.scoring.manifest import PATH_REASON_METHOD, Manifest, Training
from consumer.scoring.model import Model
from consumer.scoring.policy import Policy, parse_policy
from consumer.training.bundle_writer import DEFAULT_POLICY, Made, name_version, require_room, write_bundle
from consumer.training.choice import Choice, Say
from consumer.training.dataset import Dataset, read_dataset
from consumer.training.errors import need
from consumer.training.evaluation import MODEL, Report, judge_alerts, make_report, score_baselines, score_rows
from consumer.training.fitting import FAMILY, Fitted, TrainTerms, fit_model
from consumer.training.golden import check_candidates, read_candidates
from consumer.training.logistic import column_means
from consumer.training.metrics import Labels, Scores
from consumer.training.model_card import Card, card_files
from consumer.training.plots import draw_pictures
from consumer.training.summary import describe_calibration, describe_training

_NEEDED = ("catboost", "onnx", "matplotlib", "markdown_it")


@dataclass(frozen=True)
class Trained:
    """What came out; the bundle itself is on disk."""

    manifest: Manifest
    report: Report
    choice: Choice


def train(data: Path, out: Path, terms: TrainTerms, say: Say) -> Trained:
    """Write the bundle that the data in `data` gives to `out`; equal arguments give equal bytes on the same machine.

    Raises `TrainingRefused` for data or settings that give no model, before anything is written.
    """
    for library in _NEEDED:
        need(library)
    require_room(out)
    dataset, candidates = read_dataset(data), read_candidates(data)
    check_candidates(candidates, FEATURE_SETS[dataset.feature_set])
    fitted = fit_model(dataset, terms, say)
    baselines = dict(score_baselines(dataset, fitted.split, fitted.choice.settings, terms.seed, say))
    say("the bundle")
    measured = _measure(dataset, fitted, baselines)
    training = describe_training(dataset, fitted.split, fitted.choice.settings, terms.seed, measured.report)
    made = _make(dataset, fitted, training, measured.report)
    manifest = write_bundle(out, made, candidates, _card_files(made, fitted, measured, baselines))
    return Trained(manifest, measured.report, fitted.choice)


class _Measured(NamedTuple):
    """What the model is worth on the test weeks."""

    labels: Labels
    scores: Scores
    report: Report


def _measure(dataset: Dataset, fitted: Fitted, baselines: Mapping[str, Scores]) -> _Measured:
    rows = dataset.rows(fitted.split.test.start_ms, fitted.split.test.end_ms)
    scores = score_rows(Model(fitted.graph, len(dataset.names)), dataset, rows)
    version = name_version(FAMILY, dataset.feature_set, fitted.graph)
    alerts = judge_alerts(_policy(), scores)
    report = make_report(dataset, fitted.split, scores, alerts, version=version, baselines=baselines)
    return _Measured(dataset.truth[rows], scores, report)


def _make(dataset: Dataset, fitted: Fitted, training: Training, report: Report) -> Made:
    means = column_means(dataset.features[: training.events])
    return Made(
        family=FAMILY,
        graph=fitted.graph,
        policy=DEFAULT_POLICY.read_bytes(),
        feature_set=FEATURE_SETS[dataset.feature_set],
        baseline=tuple(means.astype(np.float32).tolist()),
        reason_method=PATH_REASON_METHOD,
        training=training,
        calibration=describe_calibration(f"{fitted.calibration}, on the calibration period", report),
    )


def _card_files(made: Made, fitted: Fitted, measured: _Measured, baselines: Mapping[str, Scores]) -> dict[str, bytes]:
    scores, threshold = {MODEL: measured.scores, **baselines}, _policy().judge_score(0.0).threshold
    pictures = draw_pictures(measured.labels, scores, made.feature_set.names, fitted.forest.importance(), threshold)
    return card_files(Card(made, fitted.choice, measured.report), pictures)


def _policy() -> Policy:
    return parse_policy(DEFAULT_POLICY.read_text())
