"""`fraudstream labels import` and `show`: what became of transactions, into the ledger and out of it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from consumer.operations.label_files import LabelLine, read_labels
from consumer.operations.terminal import printable
from schemas.label import Label
from schemas.timestamps import format_timestamp
from sinks.feedback import LabelOutcome, Labels, StoredLabel
from sinks.ledger.labels import PostgresLabels

_BATCH = 1_000
_TOLD = 20
_MEANINGS: dict[LabelOutcome, str] = {
    "stored": "of decided events",
    "early": "of events that are not decided (yet)",
    "repeated": "had been reported by their source before",
    "contradicted": "their source had said the opposite of, which stays",
    "ambiguous": "refused: several events have their id",
}


@dataclass(slots=True)
class ImportReport:
    """What became of a file: how many labels of each outcome, and of lines that hold none. `refusals` holds the first 20 as told."""

    outcomes: Counter[LabelOutcome] = field(default_factory=Counter)
    bad_lines: int = 0
    refusals: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every line was taken: what decides the exit code. A contradiction is taken; the first report stays."""
        return not self.refused

    @property
    def refused(self) -> int:
        """How many lines were not taken."""
        return self.bad_lines + self.outcomes["ambiguous"]

    def refuse(self, number: int, reason: str) -> None:
        """Tell of a line that was not taken, if there were not many already."""
        if len(self.refusals) < _TOLD:
            self.refusals.append(printable(f"line {number}: {reason}"))

    def describe(self) -> Iterator[str]:
        """Yield what a person needs to know of the lines that were not taken."""
        yield from self.refusals
        if self.refused > len(self.refusals):
            yield f"... and {self.refused - len(self.refusals):,} more lines"


def run_import(dsn: str, file: Path, source: str | None, *, is_dry_run: bool) -> bool:
    """Import the labels of FILE and print a summary; return whether every line was taken."""
    with closing(PostgresLabels(dsn)) as labels:
        report = import_labels(labels, read_labels(file, source), is_dry_run=is_dry_run)
    for line in report.describe():
        print(line, file=sys.stderr)
    print("\n".join(summary(report, is_dry_run=is_dry_run)))
    return report.is_complete


def import_labels(labels: Labels, lines: Iterable[LabelLine], *, is_dry_run: bool = False) -> ImportReport:
    """Put the labels of `lines` in batches, in order, and report. A dry run judges each batch as if none were before it."""
    report, rest = ImportReport(), iter(lines)
    while batch := list(islice(rest, _BATCH)):
        good = [(line.number, line.label) for line in batch if line.label is not None]
        for line in batch:
            if line.label is None:
                report.bad_lines += 1
                report.refuse(line.number, line.reason)
        _put(labels, good, report, is_dry_run=is_dry_run)
        _show_progress(report)
    _end_progress(report)
    return report


def _put(labels: Labels, good: list[tuple[int, Label]], report: ImportReport, *, is_dry_run: bool) -> None:
    outcomes = labels.put([label for _, label in good], is_dry_run=is_dry_run)
    report.outcomes.update(outcomes)
    for (number, label), outcome in zip(good, outcomes, strict=True):
        if outcome == "ambiguous":
            remedy = (
                f"add the timestamp of the one that is meant (`fraudstream show {label.transaction_id}` lists them)"
            )
            report.refuse(number, f"several events have the id {label.transaction_id}: {remedy}")


def summary(report: ImportReport, *, is_dry_run: bool) -> Iterator[str]:
    """Yield the lines that sum up an import."""
    taken = report.outcomes["stored"] + report.outcomes["early"]
    verb = "dry run, nothing is stored; would be stored" if is_dry_run else "stored"
    yield f"{verb}: {taken:,} labels of {report.outcomes.total() + report.bad_lines:,} lines"
    for outcome, meaning in _MEANINGS.items():
        if count := report.outcomes[outcome]:
            yield f"  {outcome:<13}{count:>9,}  {meaning}"
    if report.bad_lines:
        yield f"  {'bad line':<13}{report.bad_lines:>9,}  refused: no label"


def show(dsn: str, transaction_id: str) -> list[str]:
    """Return the lines that tell of every report on a transaction id, in the order known; empty if there is none."""
    with closing(PostgresLabels(dsn, application_name="fraudstream-labels-show")) as labels:
        return [printable(line) for label in labels.find(transaction_id) for line in _lines(label)]


def _lines(label: StoredLabel) -> Iterator[str]:
    yield f"{'fraud' if label.is_fraud else 'no fraud':<10} says {label.source}, {format_timestamp(label.reported_at)}"
    event = "not decided (yet)" if label.event_time is None else format_timestamp(label.event_time)
    state = (
        "settled" if label.due_at is None else "not settled yet: its event is not decided, or the roll-up is to come"
    )
    yield f"{'':<10} event {event}; known {format_timestamp(label.known_at)}; {state}"


def _show_progress(report: ImportReport) -> None:
    if sys.stderr.isatty():
        print(f"\rread {report.outcomes.total() + report.bad_lines:,} labels", end="", file=sys.stderr)


def _end_progress(report: ImportReport) -> None:
    if sys.stderr.isatty() and (report.outcomes or report.bad_lines):
        print(file=sys.stderr)
