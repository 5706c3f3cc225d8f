"""The options of `fraudstream backfill`. Apart from the command line, which lends its settings and its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from consumer.settings import Settings

_Files = list[Path] | None
Labels = Annotated[_Files, typer.Option(help="What was reported as fraud, and when; may be given again.")]
Truth = Annotated[_Files, typer.Option(help="What is fraud in truth, for evaluation only: no feature sees it.")]
Mapping = Annotated[Path | None, typer.Option(help="TOML file that says which column is which field.")]
BundleFolder = Annotated[Path | None, typer.Option(help="Folder of the model that decides. Default: of the settings.")]
AsArrived = Annotated[
    bool, typer.Option("--as-arrived", help="Files are in the order of arrival: do not sort by time.")
]
AllowRefused = Annotated[float, typer.Option(min=0, max=1, help="Share of rows that may be no valid events.")]


def add_backfill(
    app: typer.Typer, settings: Callable[[], Settings], errors_told: Callable[[], AbstractContextManager[None]]
) -> None:
    """Give `app` the command."""

    @app.command()
    def backfill(
        *,
        events: Annotated[list[Path], typer.Argument(help="Parquet, CSV or JSON lines: files, or folders of them.")],
        out: Annotated[Path, typer.Option(help="Folder to write; must not be there yet.")],
        labels: Labels = None,
        truth: Truth = None,
        mapping: Mapping = None,
        bundle: BundleFolder = None,
        decisions: Annotated[bool, typer.Option(help="Decide, or write features only.")] = True,
        as_arrived: AsArrived = False,
        allow_refused: AllowRefused = 0.01,
        force: Annotated[bool, typer.Option("--force", help="Replace a backfill that is there.")] = False,
    ) -> None:
        """Turn history into features and decisions by the code of the stream; needs nothing but files, of any year."""
        from consumer.operations.backfill import BackfillOrder, run_backfill
        from consumer.scoring.bundle import DEFAULT_BUNDLE

        with errors_told():
            model = (bundle or settings().model_bundle or DEFAULT_BUNDLE) if decisions else None
            given = (events, out, labels or (), truth or (), mapping, model, as_arrived, allow_refused, force)
            raise typer.Exit(run_backfill(BackfillOrder(*given)))
