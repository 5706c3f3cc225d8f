"""`fraudstream publish`: a file of events into the stream, with progress and the numbers of bad lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from consumer.clients import AwsClients
from consumer.settings import Settings
from producers.aggregation import Aggregation
from producers.batches import BatchLimits
from producers.files import Check, PublishReport, publish_file
from producers.kinesis import Progress, Publisher, PublisherSettings
from schemas.decode import EventTimeBounds
from schemas.transaction import Transaction

_AGGREGATED = PublisherSettings(limits=BatchLimits(has_unique_keys=True), aggregation=Aggregation())


def run_publish(settings: Settings, file: Path, *, is_forced: bool, is_aggregated: bool = False) -> bool:
    """Publish FILE (`-`: standard input) and return whether every line was sent. Aggregates keep the order per user strictly."""
    publishing = _AGGREGATED if is_aggregated else PublisherSettings()
    publisher = Publisher(
        AwsClients(settings).kinesis, settings.stream_name, settings=publishing, on_progress=_show_progress
    )
    with _opened(file) as source:
        report = publish_file(source, publisher, is_forced=is_forced, check=time_check(settings))
    _end_progress(publisher.progress)
    for line in told(report):
        print(line, file=sys.stderr)
    inside = f" in {publisher.progress.stored:,} records" if is_aggregated else ""
    print(f"published {report.published:,} events{inside} to {settings.stream_name}, refused {report.refused:,}")
    return report.is_complete


def told(report: PublishReport) -> Iterator[str]:
    """Yield what a person needs to know of the lines that were refused, and what to do about them."""
    if report.published + report.refused == 0:
        yield "the file holds no event"
    yield from report.describe()
    if any(refusal.reason.startswith("event_time_out_of_bounds") for refusal in report.refusals):
        yield "for history, set FRAUDSTREAM_EVENT_TIME_CHECK=false, both here and for the consumer"


def time_check(settings: Settings) -> Check:
    """Return the check that the consumer makes when the event arrives now; nothing is checked where that is switched off."""
    bounds = EventTimeBounds(settings.event_time_before, settings.event_time_after)

    def check(transaction: Transaction) -> None:
        if settings.event_time_check:
            bounds.check(transaction.event_time, datetime.now(UTC))

    return check


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as source:
        yield source


def _show_progress(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(f"\rpublished {progress.records:,} events, {progress.size_bytes / 1e6:,.1f} MB", end="", file=sys.stderr)


def _end_progress(progress: Progress) -> None:
    if sys.stderr.isatty() and progress.requests:
        print(file=sys.stderr)
