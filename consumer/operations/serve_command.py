"""The command `fraudstream serve`. Apart from the command line, which says which environment is meant."""

from __future__ import annotations

from collections.abc import Callable

import typer


def add_serve(app: typer.Typer, is_local: Callable[[], bool]) -> None:
    """Give `app` the command."""

    @app.command()
    def serve() -> None:
        """Run the gateway in the foreground: POST /api/v1/classify and its friends; SIGTERM or Ctrl-C answers what waits and ends it."""
        from consumer.operations.serve import serve as run

        raise typer.Exit(run(local=is_local()))
