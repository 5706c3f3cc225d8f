"""`fraudstream train`: a verified bundle from backfilled history, and how good it is on weeks that it has not seen."""

from __future__ import annotations

import sys
from pathlib import Path

from consumer.operations.training_tables import print_json, print_report, progress
from consumer.training.errors import need
from consumer.training.periods import SplitTerms


def run_train(data: Path, out: Path, split: SplitTerms, *, seed: int, as_json: bool) -> None:
    """Write the bundle to `out` and print its figures; raises `TrainingRefused` with a remedy."""
    need("onnx")
    from consumer.training.fitting import TrainTerms
    from consumer.training.train import train

    terms = TrainTerms(seed=seed, split=split)
    with progress("reading", terms.steps) as say:
        trained = train(data, out, terms, say)
    if as_json:
        print_json(trained.report)
    else:
        print_report(trained.report, trained.choice)
    print(
        f"{trained.manifest.model_version} in {out}; open {out / 'model-card.html'} for the model card", file=sys.stderr
    )
