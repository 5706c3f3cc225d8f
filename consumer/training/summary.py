"""What the manifest tells of a training: where the data came from, what was chosen, and the figures by name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from consumer.scoring.manifest import Calibration, Periods, Training
from consumer.training.boosting import BORDERS, Settings
from consumer.training.dataset import Dataset
from consumer.training.evaluation import Report
from consumer.training.periods import Split
from consumer.training.quality import figures

_LIBRARIES = ("catboost", "matplotlib", "numpy", "onnx", "onnxruntime", "pyarrow")
_DIGITS = 6


def describe_training(dataset: Dataset, split: Split, settings: Settings, seed: int, report: Report) -> Training:
    """Return what the model learned from and how good it is."""
    past = slice(0, dataset.rows(0, split.final.learn_until_ms).stop)
    return Training(
        data=dataset.source,
        events=past.stop,
        frauds=int(dataset.labels_known(split.final.cut_ms)[past].sum()),
        metrics={name: round(value, _DIGITS) for name, value in _metrics(report) if math.isfinite(value)},
        digest=dataset.digest,
        periods=_periods(dataset, split),
        seed=seed,
        settings={
            "depth": settings.depth,
            "learning_rate": settings.learning_rate,
            "l2": settings.l2,
            "is_balanced": float(settings.is_balanced),
            "trees": settings.iterations,
            "borders": settings.borders,
        },
        libraries={name: version(name) for name in _LIBRARIES},
    )


def read_settings(training: Training) -> Settings | None:
    """Return the settings that a manifest tells of, None for a model of another family."""
    if not {"depth", "learning_rate", "l2", "is_balanced", "trees"} <= training.settings.keys():
        return None
    held = training.settings
    return Settings(
        depth=int(held["depth"]),
        learning_rate=held["learning_rate"],
        l2=held["l2"],
        is_balanced=bool(held["is_balanced"]),
        iterations=int(held["trees"]),
        borders=int(held.get("borders", BORDERS)),
    )


def describe_calibration(method: str, report: Report) -> Calibration:
    """Return how far the scores are from probabilities on the test weeks."""
    found = report.probabilities
    return Calibration(
        method=method,
        error=round(found.calibration_error, _DIGITS),
        mean_predicted=round(found.mean_predicted, _DIGITS),
        observed=round(found.observed, _DIGITS),
    )


def _metrics(report: Report) -> Iterator[tuple[str, float]]:
    found = report.probabilities
    yield "fraud_share", found.observed
    yield "alert_share", found.alert_share
    yield "alert_precision", found.alert_precision
    yield "alert_recall", found.alert_recall
    for figure in figures():
        spread = report.model.spread(figure)
        yield figure, getattr(report.model.ranking, figure)
        yield f"{figure}.share_of_perfect", report.share_of_perfect(figure)
        yield f"{figure}.week_mean", spread.mean
        yield f"{figure}.week_deviation", spread.deviation
        for baseline in report.baselines:
            yield f"{figure}.{baseline.name.partition(':')[0].replace(' ', '_')}", getattr(baseline.ranking, figure)
    for pattern in report.patterns:
        yield f"{pattern.name}.roc_auc", pattern.roc_auc
        yield f"{pattern.name}.average_precision", pattern.average_precision
        yield f"{pattern.name}.alert_recall", pattern.alert_recall


def _periods(dataset: Dataset, split: Split) -> Periods:
    final = split.final
    return Periods(
        learn_from=_iso(int(dataset.event_ms[0])),
        learn_until=_iso(final.learn_until_ms),
        labels_until=_iso(final.cut_ms),
        calibrate_from=_iso(final.judged.start_ms),
        calibrate_until=_iso(final.judged.end_ms),
        test_from=_iso(split.test.start_ms),
        test_until=_iso(split.test.end_ms),
    )


def _iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
