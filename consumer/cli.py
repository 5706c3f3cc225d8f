"""The command line. Each command is a few lines here and one module in `consumer.operations`; heavy imports wait until needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from consumer.kinesis.process import prepare_process_environment
from consumer.operations.backfill_command import add_backfill
from consumer.operations.bench_command import add_bench
from consumer.operations.dead_letters_app import dead_letters_app
from consumer.operations.decision_commands import add_replay_decision, add_show
from consumer.operations.keys_app import keys_app
from consumer.operations.labels_app import labels_app
from consumer.operations.model_app import model_app
from consumer.operations.plan_command import add_plan
from consumer.operations.serve_command import add_serve
from consumer.operations.simulate_command import add_simulate
from consumer.operations.training_commands import add_evaluate, add_train
from consumer.settings import Settings, load_settings

if TYPE_CHECKING:
    from consumer.gateway_settings import GatewaySettings

app = typer.Typer(
    name="fraudstream",
    help="Streaming fraud scoring: transaction events in from Kinesis, decisions out, every effect exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_use_local = False


@app.callback()
def choose_environment(
    local: Annotated[
        bool, typer.Option("--local", help="Use the environment that `fraudstream up` started here.")
    ] = False,
) -> None:
    """Remember for the command that follows which environment it works on."""
    global _use_local  # noqa: PLW0603 - one command a process
    _use_local = local


def _settings() -> Settings:
    return load_settings(local=_use_local)


def _gateway_settings() -> GatewaySettings:
    from consumer.gateway_settings import load_gateway_settings

    return load_gateway_settings(local=_use_local)


@contextmanager
def _errors_told() -> Iterator[None]:
    """End with one clear line instead of a traceback for what a user can mend."""
    from consumer.operations.mendable import mendable
    from consumer.operations.remedies import with_remedy

    ends_in_one_line = mendable()
    try:
        yield
    except ends_in_one_line as error:
        typer.echo(f"fraudstream: {with_remedy(error)}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo("fraudstream: stopped", err=True)
        raise typer.Exit(130) from None


@app.command()
def demo(  # noqa: PLR0917 - typer makes options of them
    seconds: Annotated[int, typer.Option(min=5, help="How long events are published.")] = 60,
    rate: Annotated[int, typer.Option(min=1, help="Events a second.")] = 500,
    shards: Annotated[int, typer.Option(min=1, max=32, help="Shards of the stream.")] = 2,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")] = False,
    events: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, help="Publish this file of events instead of simulated ones."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --events: publish lines that are no events, too.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines, also on a terminal that could show more.")] = False,
) -> None:
    """Watch the whole system work on this machine: emulated AWS, real KCL, real PostgreSQL; ends with the audit."""
    from consumer.operations.demo import DemoPlan, run_demo

    with _errors_told():
        raise typer.Exit(run_demo(DemoPlan(seconds, rate, shards, keep, events, force, plain)))


@app.command()
def up(
    shards: Annotated[int, typer.Option(min=1, help="Shards of the stream.")] = 2,
    aws_port: Annotated[int, typer.Option(help="Port of the emulated AWS.")] = 4566,
    database_port: Annotated[int, typer.Option(help="Port of PostgreSQL.")] = 5433,
) -> None:
    """Run the local environment in the foreground: AWS emulator and PostgreSQL, empty at every start."""
    from consumer.operations.up import run_up

    with _errors_told():
        run_up(shards=shards, aws_port=aws_port, database_port=database_port)


@app.command()
def consume() -> None:
    """Run the consumer in the foreground; SIGTERM or Ctrl-C flushes, checkpoints and ends it."""
    from consumer.operations.consume import consume as run

    raise typer.Exit(run(local=_use_local))


add_serve(app, lambda: _use_local)


@app.command()
def migrate() -> None:
    """Bring the ledger's schema to this version and make the coming weeks' partitions. Safe to run again."""
    from sinks.ledger.migrations import migrate as run

    with _errors_told():
        report = run(_settings().dsn(), datetime.now(UTC))
        applied = ", ".join(report.applied) or "nothing to apply"
        typer.echo(f"ledger at version {report.version}: {applied}; {len(report.partitions)} partitions made")


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(help="JSON lines, or one JSON array of events; - reads standard input.")],
    force: Annotated[bool, typer.Option("--force", help="Send lines that are no valid events all the same.")] = False,
    aggregate: Annotated[
        bool,
        typer.Option("--aggregate", help="Put events of one shard together in KPL's format: fewer, larger records."),
    ] = False,
) -> None:
    """Publish the events of FILE to the stream. Lines that are no valid events are refused with their numbers."""
    from consumer.operations.publish import run_publish

    with _errors_told():
        is_complete = run_publish(_settings(), file, is_forced=force, is_aggregated=aggregate)
        raise typer.Exit(0 if is_complete else 1)


add_simulate(app, _errors_told)
add_backfill(app, _settings, _errors_told)


TestWeeks = Annotated[
    int | None,
    typer.Option(min=1, help="Weeks at the end to measure on. Default: a fifth of the data, at most four weeks."),
]
FoldDays = Annotated[int | None, typer.Option(min=1, help="Days of a fold. Default: what fits the length of the data.")]
LabelDelay = Annotated[int, typer.Option(min=0, help="Days between an event and its label.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


add_train(app, _errors_told)
add_evaluate(app, _errors_told)


@app.command()
def audit(as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False) -> None:
    """Prove that every event had its effects exactly once. Exit code 1 if anything is lost, duplicated or mismatched."""
    from consumer.operations.audit import run_audit

    with _errors_told():
        raise typer.Exit(0 if run_audit(_settings(), as_json=as_json) else 1)


@app.command()
def chaos(  # noqa: PLR0917 - typer makes options of them
    seed: Annotated[int, typer.Option(help="The same seed gives the same schedule.")] = 1,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="About how long faults strike; none means every kind once.")
    ] = None,
    kinds: Annotated[str, typer.Option(help="Only these kinds, with commas between them.")] = "",
    shards: Annotated[int, typer.Option(min=1, max=16, help="Shards of the stream at the start.")] = 2,
    rate: Annotated[int, typer.Option(min=20, help="Events a second.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    is_listed: Annotated[bool, typer.Option("--list", help="Print the kinds of faults and end.")] = False,
) -> None:
    """Break everything on this machine by a seeded schedule, and prove that no event lost its effects or had them twice."""
    from consumer.operations.chaos import ChaosPlan, list_kinds, run_chaos

    with _errors_told():
        if is_listed:
            typer.echo("\n".join(list_kinds()))
            raise typer.Exit
        named = tuple(kind.strip() for kind in kinds.split(",")) if kinds else ()
        raise typer.Exit(run_chaos(ChaosPlan(seed, minutes, named, shards, rate, as_json)))


add_bench(app, _errors_told)
add_plan(app, _errors_told)
add_show(app, _settings, _errors_told)
add_replay_decision(app, _settings, _errors_told)


@app.command()
def health() -> None:
    """Tell whether the consumer of this state folder is well: exit code 0 if so, 1 with the reasons if not."""
    from consumer.telemetry.health import read_health

    with _errors_told():
        report = read_health(_settings().state_dir / "health.json", datetime.now(UTC))
        has_shards = report.health is not None and bool(report.health.workers)
        healthy = "healthy" if has_shards else "healthy, but no shard is read yet"
        if report.health is not None and (lost := report.health.all_lines_lost):
            healthy += f"; {lost} lines of the log could not be written: is its disk full, or nobody reads it?"
        typer.echo(healthy if report.is_healthy else "unhealthy: " + "; ".join(report.reasons))
        raise typer.Exit(0 if report.is_healthy else 1)


app.add_typer(dead_letters_app(_settings, _errors_told), name="dead-letters")
app.add_typer(keys_app(_gateway_settings, _errors_told), name="keys")
app.add_typer(labels_app(_settings, _errors_told), name="labels")
app.add_typer(model_app(_settings, _errors_told), name="model")


def main() -> None:
    """Run the command line. Heavy libraries are imported by the commands, after the environment is prepared for them."""
    prepare_process_environment()
    app()


if __name__ == "__main__":
    main()
