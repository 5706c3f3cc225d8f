"""`fraudstream simulate`: simulated events on standard output."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from producers.simulator.output import write_events
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate


def run_simulate(*, count: int, rate: float | None, seed: int, truth: Path | None) -> None:
    """Write events whose time begins now, as fast or as slowly as they are written.

    Ids hold the second of the start, so that the next run makes other transactions.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    settings = SimulationSettings(
        seed=seed, start=now, events_per_second=rate or 100.0, run_id=f"sim-{seed}-{now:%Y%m%dT%H%M%S}"
    )
    with ExitStack() as files:
        truth_file = files.enter_context(truth.open("wb")) if truth is not None else None
        write_events(simulate(settings, count), sys.stdout.buffer, per_second=rate, truth=truth_file)
