"""The options of `fraudstream train` and `evaluate`. Apart from the command line, which lends its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

_ErrorsTold = Callable[[], AbstractContextManager[None]]
_Data = Annotated[Path, typer.Argument(help="What `fraudstream backfill` wrote.")]
_TestWeeks = Annotated[
    int | None, typer.Option(min=1, help="Last weeks that only measure. Default: a fifth of the data, 4 at most.")
]
_FoldDays = Annotated[int | None, typer.Option(min=1, help="Days of a validation fold; the last one calibrates.")]
_LabelDelay = Annotated[int, typer.Option(min=0, help="Days after which an event without a label counts as genuine.")]
_Seed = Annotated[int, typer.Option(help="The same seed and data give the same bytes on the same machine.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def add_train(app: typer.Typer, errors_told: _ErrorsTold) -> None:
    """Give `app` the command."""

    @app.command()
    def train(
        *,
        data: _Data,
        out: Annotated[Path, typer.Option(help="Folder of the bundle; one that is there is replaced.")],
        test_weeks: _TestWeeks = None,
        folds: Annotated[int, typer.Option(min=1, max=12, help="Validation folds that settings are chosen on.")] = 3,
        fold_days: _FoldDays = None,
        label_delay_days: _LabelDelay = 7,
        seed: _Seed = 1,
        as_json: _AsJson = False,
    ) -> None:
        """Train a model on history: settings chosen on folds, calibrated, measured on weeks it never saw; writes its bundle."""
        from consumer.operations.train import run_train
        from consumer.training.periods import SplitTerms

        with errors_told():
            split = SplitTerms(test_weeks, folds, fold_days, label_delay_days)
            run_train(data, out, split, seed=seed, as_json=as_json)


def add_evaluate(app: typer.Typer, errors_told: _ErrorsTold) -> None:
    """Give `app` the command."""

    @app.command()
    def evaluate(
        *,
        data: _Data,
        bundle: Annotated[Path | None, typer.Option(help="Folder of the bundle. Default: the committed one.")] = None,
        test_weeks: _TestWeeks = None,
        fold_days: _FoldDays = None,
        label_delay_days: _LabelDelay = 7,
        seed: _Seed = 1,
        as_json: _AsJson = False,
    ) -> None:
        """Measure a bundle on the last weeks of history, beside baselines and the perfect ranking."""
        from consumer.operations.evaluate import run_evaluate
        from consumer.scoring.bundle import DEFAULT_BUNDLE
        from consumer.training.periods import SplitTerms

        with errors_told():
            split = SplitTerms(test_weeks, 1, fold_days, label_delay_days)
            run_evaluate(data, bundle or DEFAULT_BUNDLE, split, seed=seed, as_json=as_json)
