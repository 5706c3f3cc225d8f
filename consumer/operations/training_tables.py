"""What `fraudstream train` and `evaluate` show on a terminal: figures in tables, and a bar for work that takes minutes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from consumer.operations.terminal import printable
from consumer.training.choice import Choice, Say
from consumer.training.evaluation import Report
from consumer.training.quality import Contender, show

_WIDTH = 120
"""Of what goes into a pipe or a file: there, lines wrapped at 80 columns serve nobody."""


@contextmanager
def progress(what: str, steps: int) -> Iterator[Say]:
    """Show a bar on standard error while the block runs, lines where that is no terminal; what it yields is told what comes next."""
    if not sys.stderr.isatty():
        yield _tell_in_lines(steps)
        return
    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=steps)

        def say(step: str) -> None:
            if bar.tasks[task].description != what:
                bar.advance(task)
            bar.update(task, description=step)

        yield say
        bar.update(task, completed=steps, description="done")


def _tell_in_lines(steps: int) -> Say:
    numbers = count(1)

    def say(step: str) -> None:
        print(f"{next(numbers)} of at most {steps}: {step}", file=sys.stderr, flush=True)

    return say


def print_report(report: Report, choice: Choice | None = None) -> None:
    """Print the report, and what the settings were chosen from."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    for warning in report.warnings:
        console.print(f"note: {warning}", style="yellow")
    if choice is not None:
        console.print(_trials(choice))
    console.print(_ranking(report))
    console.print(_summary(report))
    if report.patterns:
        console.print(_patterns(report))


def print_json(report: Report) -> None:
    """Print the report as one JSON document."""
    sys.stdout.write(json.dumps(report.document(), indent=2) + "\n")


def _trials(choice: Choice) -> Table:
    table = _table(f"Chosen on {len(choice.held)} validation folds", "settings", "average precision", "trees")
    for trial in choice.trials:
        figure = f"{trial.mean:.4f} ± {trial.deviation:.4f}"
        table.add_row(str(trial.settings), figure, ", ".join(map(str, trial.trees)))
    return table


def _ranking(report: Report) -> Table:
    title = f"{report.model_version} on {_day(report.test_start_ms)} to {_day(report.test_end_ms - 1)}"
    figures = ("ROC AUC", "average prec.", "card prec. @100", "gain, AP")
    table = _table(f"{title}: {report.events:,} events, {report.frauds:,} frauds", "ranking", *figures)
    for contender in report.contenders:
        gain = f"{report.gain(contender, 'average_precision'):+.4f}" if contender in report.baselines else ""
        cells = (_figure(contender, name) for name in ("roc_auc", "average_precision", "card_precision"))
        table.add_row(printable(contender.name.partition(":")[0]), *cells, gain)
    return table


def _figure(contender: Contender, name: str) -> str:
    return f"{show(getattr(contender.ranking, name), '.4f')} ±{show(contender.spread(name).deviation, '.3f')}"


def _summary(report: Report) -> str:
    p = report.probabilities
    shares = [show(report.share_of_perfect(name), ".1%") for name in ("average_precision", "card_precision")]
    rules = "".join(f"The {name}.\n" for name in (b.name for b in report.baselines) if ":" in name)
    return (
        f"{rules}± is the deviation over {len(report.model.weeks)} weeks; gain is the model's average precision less this one's.\n"
        f"Of the perfect ranking: {shares[0]} of its average precision, {shares[1]} of its card precision.\n"
        f"Calibration error {p.calibration_error:.5f} (mean score {p.mean_predicted:.5f}, observed {p.observed:.5f}). "
        f"Alerts: {p.alert_share:.3%} of the events, precision {show(p.alert_precision, '.3f')}, recall {p.alert_recall:.3f}."
    )


def _patterns(report: Report) -> Table:
    table = _table(
        "By kind of fraud, against all genuine events", "pattern", "frauds", "ROC AUC", "average precision", "alerts"
    )
    for q in report.patterns:
        table.add_row(
            printable(q.name),
            f"{q.frauds:,}",
            show(q.roc_auc, ".4f"),
            f"{q.average_precision:.4f}",
            f"{q.alert_recall:.1%}",
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(
        title=title, title_justify="left", min_width=len(title), box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _day(moment_ms: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y-%m-%d}"
