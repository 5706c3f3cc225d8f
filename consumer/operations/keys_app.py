"""The commands under `fraudstream keys`. Apart from the command line, which lends its settings and its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from consumer.gateway_settings import GatewaySettings

_Scopes = Annotated[
    list[str],
    typer.Option("--scope", help="What it may do: classify, read or label; repeat it for more.", metavar="SCOPE"),
]


class _Lent(NamedTuple):
    """What the command line lends."""

    settings: Callable[[], GatewaySettings]
    errors_told: Callable[[], AbstractContextManager[None]]


def keys_app(
    settings: Callable[[], GatewaySettings], errors_told: Callable[[], AbstractContextManager[None]]
) -> typer.Typer:
    """Return the sub-application `keys`."""
    app = typer.Typer(help="API keys of the gateway: make one, list them, revoke one.", no_args_is_help=True)
    for add in (_add_create, _add_list, _add_revoke):
        add(app, _Lent(settings, errors_told))
    return app


def _add_create(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def create(
        name: Annotated[str, typer.Argument(help="Whose key it is, for people.")],
        *,
        scope: _Scopes = ["classify", "read"],  # noqa: B006 - typer reads it and never changes it
        rate: Annotated[float, typer.Option(help="Requests a second in the long run.")] = 50.0,
        burst: Annotated[int, typer.Option(min=1, help="Requests at once.")] = 100,
        expires: Annotated[str, typer.Option(help="When it ends: 90d, 12h, 30m, or never.")] = "365d",
    ) -> None:
        """Make an API key and print it, once: it is kept nowhere, only a hash of it.

        Each transaction of a batch counts as a request.
        """
        from consumer.operations.keys import WantedKey, run_create

        with lent.errors_told():
            try:
                run_create(lent.settings(), WantedKey(name, scope, rate, burst, expires))
            except ValueError as error:
                typer.echo(f"fraudstream: {error}", err=True)
                raise typer.Exit(2) from None


def _add_list(app: typer.Typer, lent: _Lent) -> None:
    @app.command("list")
    def list_keys(
        *, as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False
    ) -> None:
        """List every key ever made, oldest first: id, name, scopes, limits, whether it may still be used."""
        from consumer.operations.keys import run_list

        with lent.errors_told():
            run_list(lent.settings(), as_json=as_json)


def _add_revoke(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def revoke(key_id: Annotated[str, typer.Argument(help="Its id as `list` prints it, or the key itself.")]) -> None:
        """Revoke a key: gateways refuse it within 30 seconds. Safe to repeat. Exit code 1 if there is no such key."""
        from consumer.operations.keys import run_revoke

        with lent.errors_told():
            raise typer.Exit(0 if run_revoke(lent.settings(), key_id) else 1)
