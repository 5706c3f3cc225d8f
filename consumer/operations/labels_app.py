"""The commands under `fraudstream labels`. Apart from the command line, which lends its settings and its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from consumer.settings import Settings


def labels_app(
    settings: Callable[[], Settings], errors_told: Callable[[], AbstractContextManager[None]]
) -> typer.Typer:
    """Return the sub-application `labels`."""
    app = typer.Typer(help="What became of transactions: import labels, show one.", no_args_is_help=True)

    @app.command("import")
    def import_file(
        file: Annotated[Path, typer.Argument(help="JSON lines, .csv or .parquet; - reads JSON lines.")],
        *,
        source: Annotated[
            str | None, typer.Option(help="Who says so, for lines that do not: chargeback, analyst, customer, ...")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; store nothing.")] = False,
    ) -> None:
        """Import labels: transaction_id, is_fraud, reported_at, source, and timestamp where several events share an id.

        The first report of each source on an event wins. Safe to run again: what is stored already is counted as repeated. Features
        may know of a label ten minutes after its import.

        Exit code 0 if every line was taken, 1 if some were refused, 2 if it could not run.
        """
        from consumer.operations.labels import run_import

        with errors_told():
            raise typer.Exit(0 if run_import(settings().dsn(), file, source, is_dry_run=dry_run) else 1)

    @app.command()
    def show(transaction_id: Annotated[str, typer.Argument(help="The sender's id of the transaction.")]) -> None:
        """Show every report on a transaction: who said what, and since when features may know. Exit code 1 if there is none."""
        from consumer.operations.labels import show as lines_of

        with errors_told():
            lines = lines_of(settings().dsn(), transaction_id)
            typer.echo("\n".join(lines) or f"no label of transaction {transaction_id}", err=not lines)
            raise typer.Exit(0 if lines else 1)

    return app
