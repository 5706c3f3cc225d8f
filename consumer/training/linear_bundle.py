"""A small linear bundle from simulated events in seconds: for drills that need another model than the one in use, not for service."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from consumer.scoring.features import EVENT
from consumer.scoring.manifest import REASON_METHOD, Calibration, Manifest, Training
from consumer.training.bundle_writer import DEFAULT_POLICY, Made, write_bundle
from consumer.training.export import export_linear
from consumer.training.golden import Candidate
from consumer.training.logistic import LinearModel, fit_logistic
from consumer.training.metrics import Labels, Scores, measure_calibration_error, measure_roc_auc
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
from schemas.decode import Unknown, decode

_SPAN_S = 28 * 86_400
"""Event time covered: whole weeks, so that every hour of every weekday is seen."""
_TRAIN_SHARE = 0.7
_GOLDEN = 16


def make_linear_bundle(out: Path, count: int, seed: int) -> Manifest:
    """Write the bundle that `count` simulated events of this seed give, and return its manifest; equal arguments, equal bytes.

    Logistic regression on the event's own features: the first 70 % by time teach, the rest measure.
    """
    items = list(simulate(SimulationSettings(seed=seed, events_per_second=count / _SPAN_S), count))
    items.sort(key=lambda item: str(item.event["timestamp"]))
    features = EVENT.compute([decode(json.dumps(item.event).encode(), Unknown()) for item in items])
    labels = np.array([item.is_fraud for item in items], np.bool_)
    cut = int(count * _TRAIN_SHARE)
    linear = fit_logistic(features[:cut], labels[:cut])
    scores, observed = linear.probabilities(features[cut:]), labels[cut:]
    training = Training(
        data=f"fraudstream simulator, seed {seed}, {count} events over 28 days",
        events=cut,
        frauds=int(labels[:cut].sum()),
        metrics={"roc_auc": round(measure_roc_auc(observed, scores), 6)},
        seed=seed,
    )
    order = np.argsort(scores, kind="stable")[np.linspace(0, len(scores) - 1, _GOLDEN).astype(int)]
    candidates = [Candidate(event=items[cut + row].event) for row in order.tolist()]
    return write_bundle(out, _make(linear, training, _describe(scores, observed)), candidates, {})


def _make(linear: LinearModel, training: Training, calibration: Calibration) -> Made:
    return Made(
        family="logistic",
        graph=export_linear(linear, "logistic"),
        policy=DEFAULT_POLICY.read_bytes(),
        feature_set=EVENT,
        baseline=tuple(linear.means.tolist()),
        reason_method=REASON_METHOD,
        training=training,
        calibration=calibration,
    )


def _describe(scores: Scores, observed: Labels) -> Calibration:
    return Calibration(
        method="none needed: logistic regression on the true mix of events, without resampling",
        error=round(measure_calibration_error(observed, scores), 6),
        mean_predicted=round(float(scores.mean()), 6),
        observed=round(float(observed.mean()), 6),
    )
