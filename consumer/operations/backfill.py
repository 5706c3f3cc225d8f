"""`fraudstream backfill`: history from files, with its progress on standard error and the result on standard output."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from consumer.backfill.errors import BackfillError, TooManyRefused
from consumer.backfill.mapping import OWN_NAMES, read_mapping
from consumer.backfill.run import Plan, Progress, backfill
from consumer.operations.terminal import printable
from consumer.scoring.bundle import load_bundle

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_TOLD_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class BackfillOrder:
    """What the user asked for; `bundle` None means features only."""

    events: Sequence[Path]
    out: Path
    labels: Sequence[Path] = ()
    truth: Sequence[Path] = ()
    mapping: Path | None = None
    bundle: Path | None = None
    is_as_arrived: bool = False
    allowed_refused: float = 0.01
    is_forced: bool = False


def run_backfill(order: BackfillOrder) -> int:
    """Run it and return the exit code: 0, 1 if too many rows were refused, 2 if it cannot be done as asked."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    try:
        with _progress() as progress, _without_collector():
            summary, refused = backfill(_plan(order), progress)
    except BackfillError as error:
        print(_printable_lines(f"fraudstream: {error}"), file=sys.stderr)
        return 1 if isinstance(error, TooManyRefused) else 2
    for line in (*refused, *summary.lines(), f"written to {order.out}"):
        print(printable(line))
    return 0


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing here makes cycles by the thousand, and looking for them costs a third of the time, the more the longer it runs."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _printable_lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _plan(order: BackfillOrder) -> Plan:
    return Plan(
        order.events,
        order.out,
        order.labels,
        order.truth,
        OWN_NAMES if order.mapping is None else read_mapping(order.mapping),
        None if order.bundle is None else load_bundle(order.bundle),
        order.is_as_arrived,
        order.allowed_refused,
        order.is_forced,
    )


@contextmanager
def _progress() -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, TextColumn("{task.fields[rate]}"), console=Console(stderr=True), transient=True) as bars:
        yield _BarProgress(bars)


@dataclass(slots=True)
class _Pace:
    """Events a second since it began, those left out that were done by then."""

    done: int = 0
    began_s: float = field(default_factory=time.monotonic)

    def tell(self, events: int) -> str:
        return f"{self.events_per_s(events):,.0f} events/s"

    def tell_left(self, events: int, total: int) -> str:
        return f"{(total - events) / max(self.events_per_s(events), 1):,.0f} s left"

    def events_per_s(self, events: int) -> float:
        return (events - self.done) / max(time.monotonic() - self.began_s, 1e-3)


class _BarProgress:
    """A bar for the reading and one for the deciding."""

    def __init__(self, bars: Bars) -> None:
        self._bars, self._pace = bars, _Pace()
        self._reading = bars.add_task("reading", total=None, rate="")
        self._deciding: TaskID | None = None

    def read(self, events: int) -> None:
        self._bars.update(self._reading, completed=events, rate=self._pace.tell(events))

    def decide(self, done: int, total: int) -> None:
        if self._deciding is None:
            self._bars.update(self._reading, total=total, completed=total)
            self._deciding, self._pace = self._bars.add_task("deciding", total=total, rate=""), _Pace(done)
            return
        self._bars.update(self._deciding, completed=done, rate=self._pace.tell(done))


class PlainProgress:
    """A line every few seconds, for logs and pipes."""

    def __init__(self, tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr)) -> None:
        self._tell, self._pace, self._told_s = tell, _Pace(), time.monotonic()
        self._is_deciding = False

    def read(self, events: int) -> None:
        """See `consumer.backfill.run.Progress.read`."""
        if self._is_due():
            self._tell(f"reading: {events:,} events, {self._pace.tell(events)}")

    def decide(self, done: int, total: int) -> None:
        """See `consumer.backfill.run.Progress.decide`."""
        if not self._is_deciding:
            self._is_deciding, self._pace = True, _Pace(done)
        elif self._is_due():
            told = (f"deciding: {done:,} of {total:,}", self._pace.tell(done), self._pace.tell_left(done, total))
            self._tell(", ".join(told))

    def _is_due(self) -> bool:
        now_s = time.monotonic()
        is_due = now_s - self._told_s >= _TOLD_EVERY_S
        self._told_s = now_s if is_due else self._told_s
        return is_due
