"""The options of `fraudstream bench`. Apart from the command line, which lends its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Literal

import typer

_Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Parts to run, or `all`; none: list them.")
]
_Scale = Annotated[
    Literal["smoke", "short", "full"],
    typer.Option(help="How long it may take: seconds, minutes, or as long as it needs."),
]
_Out = Annotated[
    Path, typer.Option(file_okay=False, help="Folder for JSON and charts; a part's older ones are replaced.")
]


def add_bench(app: typer.Typer, errors_told: Callable[[], AbstractContextManager[None]]) -> None:
    """Give `app` the command."""

    @app.command()
    def bench(
        *,
        names: _Names = None,
        scale: _Scale = "short",
        out: _Out = Path(".fraudstream/bench"),
        seed: Annotated[int, typer.Option(help="The same seed measures the same events.")] = 1,
        is_profile: Annotated[
            bool, typer.Option("--profile", help="With `pipe`: print which functions the worker's time is made of.")
        ] = False,
    ) -> None:
        """Measure this machine: stages, worker, whole system, latency, peers; tables here, JSON and charts in a folder."""
        from consumer.operations.bench import BenchPlan, run_bench

        with errors_told():
            raise typer.Exit(run_bench(BenchPlan(tuple(names or ()), scale, out, seed, is_profile)))
