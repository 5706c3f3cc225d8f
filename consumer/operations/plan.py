"""`fraudstream plan`: what a rate of events takes of AWS, what it costs, and what breaks first."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from consumer.operations.plan_tables import print_inputs, print_plan
from consumer.planning.demand import Demand
from consumer.planning.document import document_of
from consumer.planning.errors import PlanRefused
from consumer.planning.figures import read_figures
from consumer.planning.measured import Measured, with_figures
from consumer.planning.plan import make_plan
from consumer.planning.prices import load_prices


@dataclass(frozen=True, slots=True)
class PlanSources:
    """Where prices and measured inputs come from; `figures` are NAME=NUMBER and go before the file."""

    region: str = "us-east-1"
    prices: Path | None = None
    measured: Path | None = None
    figures: tuple[str, ...] = ()


def run_plan(demand: Demand, sources: PlanSources, *, as_json: bool, with_inputs: bool) -> None:
    """Print the plan; raises PlanRefused with cause and remedy, OSError where a file cannot be read."""
    plan = make_plan(demand, _measured(sources), load_prices(sources.region, sources.prices))
    if as_json:
        sys.stdout.write(json.dumps(document_of(plan), indent=2) + "\n")
        return
    print_plan(plan)
    if with_inputs:
        print_inputs(plan)


def _measured(sources: PlanSources) -> Measured:
    measured = Measured()
    if sources.measured is not None:
        measured = read_figures(sources.measured.read_bytes(), str(sources.measured), measured)
    return with_figures(measured, dict(_figure(text) for text in sources.figures), "--set")


def _figure(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise PlanRefused(f"--set {text!r} is no NAME=NUMBER", "such as --set postgres_row_us=20") from None
