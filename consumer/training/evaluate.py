"""Any bundle on any backfilled data: its scores on the test weeks beside baselines that learned from the weeks before."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from consumer.scoring.bundle import Bundle
from consumer.training.boosting import GRID
from consumer.training.choice import Say
from consumer.training.dataset import read_dataset
from consumer.training.errors import INSTALL_TRAIN
from consumer.training.evaluation import Report, judge_alerts, make_report, score_baselines, score_rows, with_warnings
from consumer.training.periods import Split, SplitTerms, split_by_time
from consumer.training.summary import read_settings

_MEDIUM = GRID[2]
"""What trees without velocity are fitted with beside a bundle that does not tell its own settings."""
_MEDIUM_TREES = 150


def evaluate(data: Path, bundle: Bundle, terms: SplitTerms, seed: int, say: Say) -> Report:
    """Return the report on `bundle`, its scores computed from the data's columns by ONNX Runtime, as the consumer does.

    On the data that the bundle was trained on, by the same terms and seed, the figures are those of its model card. Raises
    `TrainingRefused`. A model that learned from the test weeks is measured all the same, with a warning.
    """
    dataset = read_dataset(data)
    narrowed = dataset.narrow(bundle.feature_set.name)
    split = split_by_time(dataset, terms)
    rows = dataset.rows(split.test.start_ms, split.test.end_ms)
    scores = score_rows(bundle.model, narrowed, rows)
    settings = read_settings(bundle.manifest.training) or replace(_MEDIUM, iterations=_MEDIUM_TREES)
    report = make_report(
        dataset,
        split,
        scores,
        judge_alerts(bundle.policy, scores),
        version=bundle.manifest.model_version,
        baselines=dict(score_baselines(dataset, split, settings, seed, say)),
    )
    return with_warnings(report, *_warn(bundle, split))


def _warn(bundle: Bundle, split: Split) -> list[str]:
    found = []
    periods = bundle.manifest.training.periods
    if periods is None:
        found.append("The bundle does not tell what time it learned from: it may have seen these weeks.")
    elif _ms(periods.labels_until) > split.test.start_ms and _ms(periods.learn_from) < split.test.end_ms:
        found.append(
            f"The bundle used labels until {periods.labels_until}, after these weeks began: if it learned from this data, "
            "it has seen them, and the figures flatter it. Evaluate with the test weeks that it was trained with."
        )
    if importlib.util.find_spec("catboost") is None:
        found.append(f"Trees without velocity are left out. {INSTALL_TRAIN}")
    return found


def _ms(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000
