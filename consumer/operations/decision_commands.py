"""`fraudstream show` and `replay-decision`. Apart from the command line, which lends its settings and its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from consumer.settings import Settings

_ErrorsTold = Callable[[], AbstractContextManager[None]]


def add_show(app: typer.Typer, settings: Callable[[], Settings], errors_told: _ErrorsTold) -> None:
    """Give `app` the command."""

    @app.command()
    def show(transaction_id: Annotated[str, typer.Argument(help="The sender's id of the transaction.")]) -> None:
        """Show a decision: score, reasons, versions, position, times and features."""
        from consumer.operations.show import show as lines_of

        with errors_told():
            lines = lines_of(settings().dsn(), transaction_id)
            missing = f"no decision of transaction {transaction_id}: not read yet, or refused (`fraudstream dead-letters list`)"
            typer.echo("\n".join(lines) or missing, err=not lines)
            raise typer.Exit(0 if lines else 1)


def add_replay_decision(app: typer.Typer, settings: Callable[[], Settings], errors_told: _ErrorsTold) -> None:
    """Give `app` the command."""

    @app.command("replay-decision")
    def replay_decision(
        *,
        transaction_id: Annotated[str, typer.Argument(help="The sender's id of the transaction.")],
        bundle: Annotated[
            Path | None, typer.Option(help="Folder of the bundle that decided, if it is not at hand.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line a decision.")] = False,
    ) -> None:
        """Score a stored decision again: equal, or what differs; and what today's model would say. Exit code 1 if anything differs."""
        from consumer.operations.replay_decision import run_replay_decision

        with errors_told():
            is_reproduced = run_replay_decision(settings(), transaction_id, bundle, as_json=as_json)
        if is_reproduced is None:
            typer.echo(f"fraudstream: no decision of transaction {transaction_id}", err=True)
        raise typer.Exit(0 if is_reproduced else 1)
