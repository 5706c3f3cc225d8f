"""The commands under `fraudstream dead-letters`. Apart from the command line, which lends its settings and its way to tell errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, NamedTuple, TypeVar

import typer

from consumer.settings import Settings

Given = TypeVar("Given")
Meant = TypeVar("Meant")

_WHERE_HELP = (
    "Only those for which FIELD=VALUE is so; repeat it for more conditions, all must be met. "
    "id, epoch, shard, stage, reason (= !=); resolved=true|false; "
    "arrived (= != < <= > >=) a UTC day 2026-11-20 or a time 2026-11-20T13:00:00Z, "
    "in quotes: 'arrived>=2026-11-20'."
)
WhereOption = Annotated[list[str], typer.Option("--where", help=_WHERE_HELP, metavar="CONDITION")]


class _Lent(NamedTuple):
    """What the command line lends."""

    settings: Callable[[], Settings]
    errors_told: Callable[[], AbstractContextManager[None]]


def dead_letters_app(
    settings: Callable[[], Settings], errors_told: Callable[[], AbstractContextManager[None]]
) -> typer.Typer:
    """Return the sub-application `dead-letters`."""
    app = typer.Typer(help="Refused records: list them, show one, replay them.", no_args_is_help=True)
    for add in (_add_list, _add_show, _add_replay):
        add(app, _Lent(settings, errors_told))
    return app


def _add_list(app: typer.Typer, lent: _Lent) -> None:
    @app.command("list")
    def list_letters(
        *,
        where: WhereOption = [],  # noqa: B006 - typer reads it and never changes it
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
    ) -> None:
        """List refused records, oldest arrival first: when, stage, reason, whether resolved, id, first error."""
        from consumer.operations.dead_letters import run_list
        from consumer.operations.dead_letters_where import parse_where

        with lent.errors_told(), _reader_may_leave():
            run_list(lent.settings(), _understood(parse_where, where), as_json=as_json)


def _add_show(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def show(
        dead_letter: Annotated[
            str, typer.Argument(help="Its id as `list` prints it, or the key of its object.", metavar="DEAD_LETTER")
        ],
        *,
        raw: Annotated[bool, typer.Option("--raw", help="Write the record's bytes and nothing else.")] = False,
    ) -> None:
        """Show one refused record: every error, versions, state and its bytes. Exit code 1 if there is none."""
        from consumer.operations.dead_letters import run_show
        from consumer.operations.dead_letters_where import letter_position

        with lent.errors_told():
            position = _understood(letter_position, dead_letter)
            raise typer.Exit(0 if run_show(lent.settings(), position, is_raw=raw) else 1)


def _add_replay(app: typer.Typer, lent: _Lent) -> None:
    @app.command()
    def replay(
        *,
        where: WhereOption = [],  # noqa: B006 - typer reads it and never changes it
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    ) -> None:
        """Decide refused records after all, with today's code and settings; all that are unresolved, or those that --where selects.

        Safe to stop, to run again and to run twice at once. Alerts of what was replayed are kept and never sent.

        Exit code 0 if each was settled, 1 if some stay dead letters, 2 if it could not run, 130 after Ctrl-C.
        """
        from consumer.operations.dead_letters_replay import run_replay
        from consumer.operations.dead_letters_where import parse_where

        with lent.errors_told():
            raise typer.Exit(run_replay(lent.settings(), _understood(parse_where, where), is_dry_run=dry_run))


def _understood(parse: Callable[[Given], Meant], given: Given) -> Meant:
    try:
        return parse(given)
    except ValueError as error:
        typer.echo(f"fraudstream: {error}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """A list piped into `head` ends when `head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
