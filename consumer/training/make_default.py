"""Makes the committed bundle from simulated events: `python -m consumer.training.make_default OUT [--events N] [--seed N]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from consumer.scoring.features import EVENT
from consumer.scoring.manifest import Manifest
from consumer.training.bundle_writer import make_bundle
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

DEFAULT_EVENTS, DEFAULT_SEED = 200_000, 20_260_101
_SPAN_S = 28 * 86_400
"""Event time covered: whole weeks, so that every hour of every weekday is seen."""


def main() -> None:
    """Write the bundle, load it as the consumer would, and print what it is and how good."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the bundle; made if it is not there")
    parser.add_argument("--events", type=int, default=DEFAULT_EVENTS, help="how many events to simulate")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the simulation")
    arguments = parser.parse_args()
    manifest = make_default(arguments.out, arguments.events, arguments.seed)
    report = manifest.model_dump(include={"model_version", "training", "calibration"})
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def make_default(out: Path, count: int, seed: int) -> Manifest:
    """Write the bundle that `count` simulated events of this seed give; returns its manifest."""
    settings = SimulationSettings(seed=seed, events_per_second=count / _SPAN_S)
    data = f"fraudstream simulator, seed {seed}, {count} events over 28 days; first 70 % to learn from, the rest to measure"
    return make_bundle(out, simulate(settings, count), EVENT, data)


if __name__ == "__main__":
    main()
