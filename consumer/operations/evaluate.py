"""`fraudstream evaluate`: how good a bundle is on the last weeks of backfilled history, beside what it must beat."""

from __future__ import annotations

from pathlib import Path

from consumer.operations.training_tables import print_json, print_report, progress
from consumer.scoring.bundle import load_bundle
from consumer.training.evaluate import evaluate
from consumer.training.evaluation import BASELINE_STEPS
from consumer.training.periods import SplitTerms


def run_evaluate(data: Path, bundle: Path, split: SplitTerms, *, seed: int, as_json: bool) -> None:
    """Print the figures of the bundle in the folder `bundle`; raises `BundleRefused` and `TrainingRefused` with a remedy."""
    loaded = load_bundle(bundle)
    with progress("reading", BASELINE_STEPS) as say:
        report = evaluate(data, loaded, split, seed, say)
    if as_json:
        print_json(report)
    else:
        print_report(report)
