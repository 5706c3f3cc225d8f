"""The tables of `fraudstream plan`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from consumer.planning.cost import Item
from consumer.planning.growth import GOAL, reaches, steps
from consumer.planning.measured import MACHINE, inputs
from consumer.planning.plan import Plan

_WIDTH = 110
"""Of what goes into a pipe or a file: there, lines wrapped at 80 columns serve nobody."""


def print_plan(plan: Plan, console: Console | None = None) -> None:
    """Print what stands, what the peak uses, the bill, and what breaks first."""
    out = console or _console()
    demand = plan.demand
    out.print(
        f"{demand.events_per_second:,.10g} events/s in the mean, {demand.peak:,.10g} at the peak, {demand.event_bytes:,} bytes each;"
        f" {plan.prices.region}, prices as seen on {plan.prices.seen}",
        highlight=False,
    )
    for table in (_standing(plan), _uses(plan), _bill(plan), _steps(plan), _reaches(plan)):
        out.print(table)
    for line in _notes(plan):
        out.print(line, highlight=False, markup=False)


def print_inputs(plan: Plan, console: Console | None = None) -> None:
    """Print every measured input and every price, each with where it comes from."""
    out = console or _console()
    figures = _table(f"Measured inputs ({MACHINE})", "input", "value", "meaning", "how")
    for one in inputs(plan.measured):
        how = one.command if one.is_measured else f"ESTIMATED: {one.command}"
        figures.add_row(one.name, f"{one.value:,.10g} {one.unit}", one.meaning, escape(how))
    prices = _table(f"Prices, {plan.prices.region}, seen {plan.prices.seen}", "price", "USD", "for a", "source")
    for name, price in plan.prices.prices.items():
        prices.add_row(name, f"{price.usd:g}", price.per, ("ESTIMATED: " if price.is_estimated else "") + price.source)
    out.print(figures)
    out.print(prices)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def _standing(plan: Plan) -> Table:
    table = _table("What stands", "part", "how many", "what")
    for row in _parts(plan):
        table.add_row(*row)
    return table


def _parts(plan: Plan) -> Iterator[tuple[str, str, str]]:
    demand, stream, tasks, lake = plan.demand, plan.stream, plan.tasks, plan.lake
    ledgers, disk = plan.ledgers, plan.ledgers.disk
    reading = "fan-out" if demand.is_fan_out else f"polled every {demand.poll_ms} ms"
    yield (
        "Kinesis",
        f"{stream.shards:,} shards",
        f"{demand.shards_mode}, {reading}, {stream.batch:,.0f} records a batch at the peak",
    )
    yield (
        "Fargate",
        f"{tasks.count:,} tasks",
        f"{tasks.vcpu:g} vCPU, {tasks.memory_gb} GB each, {tasks.shards_a_task} shards a task",
    )
    yield "", "in all", f"{tasks.all_vcpu:,g} vCPU, {tasks.all_memory_gb:,} GB"
    standby = " and a standby in another zone" if demand.is_multi_az else ""
    several = " (several: NOT BUILT)" if ledgers.count > 1 else ""
    yield "RDS", f"{ledgers.count:,} ledger{'s' * (ledgers.count > 1)}", f"{ledgers.database.name}{standby}{several}"
    yield "", "disk", f"gp3, {disk.gib:,} GiB, {disk.iops:,} IOPS, {disk.mib_s:,} MiB/s, for {demand.ledger_days} days"
    yield "", "rows a day", f"{demand.events_per_second * 86_400:,.0f}"
    yield (
        "S3",
        f"{lake.objects_a_day:,.0f} objects a day",
        f"{lake.rows_an_object:,.0f} rows, {lake.object_bytes / 1e6:,.2f} MB each",
    )
    yield "", "lake", f"{lake.gb_a_month:,.0f} GB a month, {lake.kept_gb:,.0f} GB after {demand.lake_days} days"


def _uses(plan: Plan) -> Table:
    table = _table("At the peak", "use of", "used", "of", "", "share")
    for use in plan.uses:
        colour = "red" if not use.is_within else "yellow" if use.share > use.fill / 2 else "green"
        table.add_row(use.name, _figure(use.used), _figure(use.limit), use.unit, f"[{colour}]{use.share:.0%}[/]")
    return table


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits are enough


def _bill(plan: Plan) -> Table:
    table = _table("A month (730 hours)", "service", "what", "quantity", "at USD", "USD")
    for item in plan.items:
        table.add_row(
            item.service, item.what + _mark(item), f"{item.quantity:,.1f}", f"{item.usd_each:g}", f"{item.usd:,.2f}"
        )
    table.add_section()
    table.add_row("[bold]all[/]", "", "", "", f"[bold]{plan.usd:,.2f}[/]")
    table.add_row(
        "", "a million decisions", f"{plan.demand.events_a_month / 1e6:,.1f}", "", f"{plan.usd_a_million:,.3f}"
    )
    return table


def _mark(item: Item) -> str:
    return " (estimated price)" if item.is_estimated else ""


def _steps(plan: Plan) -> Table:
    table = _table("What breaks first, from here to a million events/s", "up to events/s", "then ends", "so", "")
    for step in steps(plan.demand, plan.measured, plan.prices):
        style = "dim" if step.rate < plan.demand.events_per_second else ""
        table.add_row(f"{step.rate:,.0f}", step.what, step.remedy, _built(is_built=step.is_built), style=style)
    return table


def _rest(plan: Plan) -> str:
    others = [step for step in steps(plan.demand, plan.measured, plan.prices) if not step.is_ledger]
    return (
        ""
        if others
        else f"Stream, tasks, lake and alerts carry {GOAL:,} events/s with what is there, given larger quotas of AWS. "
    )


def _reaches(plan: Plan) -> Table:
    title = f"How far one ledger goes ({plan.prices.steady_classes[-1].name}), each change alone: estimates"
    table = _table(title, "change", "events/s", "ended by", f"ledgers at {GOAL:,}/s", "")
    for reach in reaches(plan.demand, plan.measured, plan.prices):
        table.add_row(
            reach.change, f"{reach.rate:,.0f}", reach.ended_by, f"{reach.ledgers_for_goal:,}", _built(is_built=reach.is_built)
        )  # fmt: skip
    return table


def _built(*, is_built: bool) -> str:
    return "" if is_built else "not built"


def _notes(plan: Plan) -> Iterator[str]:
    figures = inputs(plan.measured)
    guessed = ", ".join(one.name for one in figures if not one.is_measured)
    yield f"{_rest(plan)}Measured: {sum(one.is_measured for one in figures)} inputs ({MACHINE}). Estimated: {guessed}."
    yield f"Prices that no page named: {', '.join(plan.prices.estimated) or 'none'}. `--inputs` shows every figure and its source."
    yield (
        "Estimated too: a vCPU of Fargate and RDS is one measured core; ids and users fall into indexes at random, so less is asked of"
        " the disk where few users come back often. RDS itself was never measured: load it before you rely on it."
    )
    yield "Not in the bill: taxes, discounts, free tiers, data between zones and out, KMS, gateway, Athena, support."


def _table(title: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        is_figure = name in {"used", "of", "share", "quantity", "at USD", "USD", "up to events/s", "events/s", "value"}
        table.add_column(
            name, justify="right" if is_figure or name.startswith("ledgers at") else "left", overflow="fold"
        )
    return table
