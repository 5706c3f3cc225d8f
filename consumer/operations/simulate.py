"""`fraudstream simulate`: simulated events on standard output or in a folder, with what is true and what is reported of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from producers.simulator import reference
from producers.simulator.events import SimulatedEvent
from producers.simulator.output import Notebook, write_events
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

_EVENTS_PER_CUSTOMER_DAY = 1.0
_LIVE_CUSTOMERS = 5_000
_LIVE_EVENTS_PER_SECOND = 100.0
_TOLD_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What the user asked for. With `days` the events fill that many days until `start` + days (None: now), else `count` begin now."""

    count: int = 1000
    rate: float | None = None
    seed: int = 1
    days: int | None = None
    customers: int | None = None
    start: datetime | None = None
    truth: Path | None = None
    labels: Path | None = None


def run_simulate(plan: SimulationPlan) -> None:
    """Write events to standard output, as fast or as slowly as they are written, the truth and the labels to their files.

    Without days, event time begins now and ids hold the second of the start, so that the next run makes other transactions. With
    days and a start, equal plans give equal bytes.
    """
    settings, events = _few(plan) if plan.days is None else _history(plan, plan.days)
    with ExitStack() as files:
        truth, labels = (_open(files, path) for path in (plan.truth, plan.labels))
        notebook = Notebook(settings.seed, truth, labels)
        write_events(events, sys.stdout.buffer, per_second=plan.rate, notebook=notebook)
        notebook.close()


def _open(files: ExitStack, path: Path | None) -> BinaryIO | None:
    return None if path is None else files.enter_context(path.open("wb"))


def _few(plan: SimulationPlan) -> tuple[SimulationSettings, Iterator[SimulatedEvent]]:
    now = plan.start or datetime.now(UTC).replace(microsecond=0)
    settings = SimulationSettings(
        seed=plan.seed,
        customers=plan.customers or _LIVE_CUSTOMERS,
        start=now,
        events_per_second=plan.rate or _LIVE_EVENTS_PER_SECOND,
        run_id=f"sim-{plan.seed}-{now:%Y%m%dT%H%M%S}",
    )
    return settings, simulate(settings, plan.count)


def _history(plan: SimulationPlan, days: int) -> tuple[SimulationSettings, Iterator[SimulatedEvent]]:
    start = plan.start or datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)
    customers = plan.customers or reference.CUSTOMERS
    settings = SimulationSettings(
        seed=plan.seed,
        customers=customers,
        merchants=max(1, customers * reference.MERCHANTS // reference.CUSTOMERS),
        fraud_share=reference.FRAUD_SHARE,
        start=start,
        events_per_second=customers * _EVENTS_PER_CUSTOMER_DAY / 86_400,
        run_id=f"sim-{plan.seed}-{start:%Y%m%dT%H%M%S}",
    )
    return settings, simulate(settings, until=start + timedelta(days=days))


def run_reference(out: Path, *, is_table: bool = False) -> int:
    """Write the reference data set to the folder: events.jsonl (or events.parquet), labels.jsonl, truth.jsonl; returns the events' number.

    Equal bytes at every run. Progress is shown on standard error where that is a terminal.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = _with_progress(simulate(reference.SETTINGS, until=reference.END))
    with (out / "labels.jsonl").open("wb") as labels, (out / "truth.jsonl").open("wb") as truth:
        notebook = Notebook(reference.SEED, truth, labels)
        written = _write_table(made, out, notebook) if is_table else _write_lines(made, out, notebook)
        notebook.close()
    return written


def _write_lines(events: Iterator[SimulatedEvent], out: Path, notebook: Notebook) -> int:
    with (out / "events.jsonl").open("wb") as file:
        return write_events(events, file, notebook=notebook)


def _write_table(events: Iterator[SimulatedEvent], out: Path, notebook: Notebook) -> int:
    from producers.simulator.tables import write_table

    return write_table(events, out / "events.parquet", notebook)


def _with_progress(events: Iterable[SimulatedEvent]) -> Iterator[SimulatedEvent]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(reference.NAME, total=reference.MEAN_EVENTS)
        for number, simulated in enumerate(events):
            if number % _TOLD_EVERY == 0:
                progress.update(task, completed=number)
            yield simulated
