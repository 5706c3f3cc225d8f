"""The commands under `fraudstream model`. Apart from the command line, which lends its settings and its way to tell errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from consumer.settings import Settings, SettingsError

if TYPE_CHECKING:
    from consumer.operations.model import ModelStore

_Bundle = Annotated[
    str, typer.Argument(help="Its digest as `push` prints it, a model version, or a channel.", metavar="DIGEST")
]
_Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of a bundle.")]
_By = Annotated[str | None, typer.Option("--by", help="Who moves the pointer; none means this user at this machine.")]
_ChannelName = Literal["production", "shadow"]


class _Lent(NamedTuple):
    """What the command line lends."""

    settings: Callable[[], Settings]
    errors_told: Callable[[], AbstractContextManager[None]]

    def store(self) -> ModelStore:
        from consumer.operations.model import open_store
        from consumer.wiring import model_objects

        objects = model_objects(self.settings())
        if objects is None:
            raise SettingsError(
                "no model store: set FRAUDSTREAM_MODEL_BUCKET to an S3 bucket, "
                "or add --local to use the environment that `fraudstream up` started here"
            )
        return open_store(objects)


def model_app(settings: Callable[[], Settings], errors_told: Callable[[], AbstractContextManager[None]]) -> typer.Typer:
    """Return the sub-application `model`."""
    app = typer.Typer(help="Model bundles: store, promote, roll back, override the policy.", no_args_is_help=True)
    lent = _Lent(settings, errors_told)
    for add in (_add_push, _add_promote, _add_show, _add_fetch, _add_verify):
        add(app, lent)
    policy = typer.Typer(help="The policy that overrides the bundle's own.", no_args_is_help=True)
    _add_policy_push(policy, lent)
    _add_policy_clear(policy, lent)
    app.add_typer(policy, name="policy")
    return app


def _add_push(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def push(folder: _Folder) -> None:
        """Verify the bundle in FOLDER and store it under its digest. It scores nowhere until it is promoted. Safe to repeat."""
        from consumer.operations.model import push as run

        with lent.errors_told():
            run(lent.store(), folder, typer.echo)


def _add_promote(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def promote(
        which: _Bundle,
        *,
        channel: Annotated[_ChannelName, typer.Option(help="Which pointer to move.")] = "production",
        by: _By = None,
    ) -> None:
        """Let a stored bundle score on a channel, after verifying it here; consumers take it at their next start."""
        from consumer.operations.model import a_move
        from consumer.operations.model import promote as run

        with lent.errors_told():
            run(lent.store(), which, channel, a_move(by), typer.echo)


def _add_show(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def show(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
        """Show what each channel and the policy override point at, who moved them and what was there before."""
        from consumer.operations.model import describe, show_lines

        with lent.errors_told():
            store = lent.store()
            typer.echo(json.dumps(describe(store), indent=1) if as_json else "\n".join(show_lines(store)))


def _add_fetch(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def fetch(
        which: _Bundle, folder: Annotated[Path, typer.Argument(help="Where to put it.", file_okay=False)]
    ) -> None:
        """Copy a stored bundle into FOLDER, every file verified."""
        from consumer.operations.model import fetch as run

        with lent.errors_told():
            run(lent.store(), which, folder, typer.echo)


def _add_verify(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def verify(folder: _Folder) -> None:
        """Load the bundle in FOLDER as a consumer would. Exit code 2 with file, cause and remedy if it is refused."""
        from consumer.operations.model import verify as run

        with lent.errors_told():
            run(folder, typer.echo)


def _add_policy_push(app: typer.Typer, lent: _Lent) -> None:
    @app.command("push")
    def push_policy(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy.toml.")], *, by: _By = None
    ) -> None:
        """Store FILE and let it override the policy of whatever bundle scores."""
        from consumer.operations.model import a_move
        from consumer.operations.model import push_policy as run

        with lent.errors_told():
            run(lent.store(), file, a_move(by), typer.echo)


def _add_policy_clear(app: typer.Typer, lent: _Lent) -> None:
    @app.command("clear")
    def clear_policy(*, by: _By = None) -> None:
        """Let the bundle's own policy hold again."""
        from consumer.operations.model import a_move
        from consumer.operations.model import clear_policy as run

        with lent.errors_told():
            run(lent.store(), a_move(by), typer.echo)
