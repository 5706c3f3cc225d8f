"""The options of `fraudstream simulate`. Apart from the command line, which lends its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

_Days = Annotated[int | None, typer.Option(min=1, help="Days of history, one event a customer and day.")]
_Start = Annotated[
    datetime | None, typer.Option(help="First event time, UTC. Default: now; with --days, so many days ago.")
]
_Truth = Annotated[Path | None, typer.Option(help="Write frauds and look-alikes, by name, to this file.")]
_Labels = Annotated[Path | None, typer.Option(help="Write what is reported as fraud, late, to this file.")]


def add_simulate(app: typer.Typer, errors_told: Callable[[], AbstractContextManager[None]]) -> None:
    """Give `app` the command."""

    @app.command()
    def simulate(
        *,
        count: Annotated[int, typer.Option(min=1, help="Events to make, unless --days is given.")] = 1000,
        rate: Annotated[
            float | None, typer.Option(min=0.001, help="Events a second; none means as fast as can be.")
        ] = None,
        seed: Annotated[
            int, typer.Option(help="The same seed gives the same people; with --start, the same bytes.")
        ] = 1,
        days: _Days = None,
        customers: Annotated[int | None, typer.Option(min=1, help="How many people there are.")] = None,
        start: _Start = None,
        truth: _Truth = None,
        labels: _Labels = None,
        is_reference: Annotated[
            bool,
            typer.Option("--reference", help="Write the frozen reference data set to --out, whatever else is said."),
        ] = False,
        out: Annotated[Path, typer.Option(help="With --reference: the folder.")] = Path("reference"),
        is_table: Annotated[bool, typer.Option("--parquet", help="With --reference: events as Parquet.")] = False,
    ) -> None:
        """Print simulated transaction events as JSON lines: `fraudstream simulate | fraudstream --local publish -`."""
        from consumer.operations.simulate import SimulationPlan, run_reference, run_simulate

        with errors_told():
            if is_reference:
                typer.echo(f"{run_reference(out, is_table=is_table):,} events in {out}", err=True)
                raise typer.Exit
            begins = None if start is None else start.replace(tzinfo=UTC)
            run_simulate(SimulationPlan(count, rate, seed, days, customers, begins, truth, labels))
