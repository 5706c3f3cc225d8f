"""A result for people, as a table, and for programs, as a JSON document. What is written here, `chart` draws and the README quotes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from consumer.bench.errors import BenchRefused
from consumer.bench.machine import Machine
from consumer.bench.result import Cell, Column, Panel, Result, Row, Sample
from consumer.bench.terms import Scale

Layout: TypeAlias = Literal["beside", "below", "none"]
_BETWEEN: Mapping[Layout, str | None] = {"beside": " ", "below": "\n", "none": None}
_UNBOUNDED = 100_000
_ALL_DIGITS = 100
"""From here on, a figure is shown without decimals."""


def show(cell: Cell | None, digits: int, between: str | None = " ") -> str:
    """Return a cell for people: a sample as its median and, if there were several rounds, its least and greatest value.

    `between` stands before that range; None leaves the range out.
    """
    match cell:
        case None:
            return ""
        case Sample(values) if len(values) > 1 and between is not None:
            return f"{_figure(cell.middle, digits)}{between}({_figure(cell.low, digits)}\N{EN DASH}{_figure(cell.high, digits)})"
        case Sample():
            return _figure(cell.middle, digits)
        case str():
            return cell
        case _:
            return _figure(cell, digits)


def table_of(result: Result, layout: Layout = "beside") -> Table:
    """Return the table of a result; samples are medians, their range over the rounds stands where the layout says."""
    between, is_wide = _BETWEEN[layout], layout == "beside"
    table = Table(title=escape(result.title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    labels = [row.label for row in result.rows]
    table.add_column("", min_width=_widest(labels if is_wide else " ".join(labels).split()))
    columns = [[show(row.cells.get(each.name), each.digits, between) for row in result.rows] for each in result.columns]
    for column, cells in zip(result.columns, columns, strict=True):
        head = heading(column) if is_wide else heading(column).replace(" ", "\n")
        table.add_column(escape(head), justify="right", min_width=_widest([head, *cells]))
    for label, *cells in zip(labels, *columns, strict=True):
        table.add_row(escape(label), *map(escape, cells))
    return table


def _widest(texts: Iterable[str]) -> int:
    """Return the width of the longest line: narrower columns would cut figures."""
    return max((len(line) for text in texts for line in text.splitlines()), default=0)


def fitting_table(result: Result, console: Console) -> Table:
    """Return the table in the first layout that the console has room for."""
    unbounded = console.options.update(max_width=_UNBOUNDED)  # the console's own width would cap what is measured
    for layout in _BETWEEN:
        table = table_of(result, layout)
        if Measurement.get(console, unbounded, table).minimum <= console.width:
            break
    return table


def heading(column: Column) -> str:
    """Return the column's name with its unit."""
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def lines_below(result: Result) -> Iterator[str]:
    """Yield what stands below the table: targets, then notes, then settings."""
    for target in result.targets:
        verdict = "reached" if target.is_met else "MISSED"
        yield f"target {verdict}: {target.measure}: wanted {target.wanted}, here {target.reached}"
    yield from result.notes
    yield ", ".join(f"{name} {value}" for name, value in result.settings.items())


def document(result: Result, scale: Scale, machine: Machine, at: datetime) -> dict[str, Any]:
    """Return the JSON document of a result; `at` is when it began (aware). Samples keep the value of every round."""
    return {
        "part": result.part,
        "title": result.title,
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "scale": scale,
        "machine": machine._asdict(),
        "settings": dict(result.settings),
        "columns": [{"name": each.name, "unit": each.unit} for each in result.columns],
        "rows": [_row(row) for row in result.rows],
        "targets": [target._asdict() for target in result.targets],
        "notes": list(result.notes),
        "panel": None if result.panel is None else _panel(result.panel),
    }


def encode(document: Mapping[str, Any]) -> bytes:
    """Return a document as text for a file."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def decode(name: str, content: bytes) -> dict[str, Any]:
    """Return the document in the file `name`. Raises BenchRefused where it holds something else."""
    try:
        found = msgspec.json.decode(content, type=dict[str, Any])
        panel_in(found)
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise BenchRefused(
            f"{name} is not what a part writes ({error!r})", "delete it, or choose another --out"
        ) from None
    return found


def panel_in(document: Mapping[str, Any]) -> Panel | None:
    """Return the part's place in the summary chart, None if it has none."""
    panel = document["panel"]
    if panel is None:
        return None
    return Panel(panel["title"], panel["unit"], tuple((bar["label"], _value(bar["value"])) for bar in panel["bars"]))


def _row(row: Row) -> dict[str, Any]:
    return {"label": row.label, "cells": {name: _cell(cell) for name, cell in row.cells.items()}}


def _panel(panel: Panel) -> dict[str, Any]:
    bars = [{"label": label, "value": _cell(value)} for label, value in panel.bars]
    return {"title": panel.title, "unit": panel.unit, "bars": bars}


def _cell(cell: Cell) -> Any:
    if isinstance(cell, Sample):
        return {"low": cell.low, "middle": cell.middle, "high": cell.high, "values": list(cell.values)}
    return cell


def _value(value: Any) -> Sample | float:
    return Sample(tuple(value["values"])) if isinstance(value, dict) else float(value)


def _figure(value: float, digits: int) -> str:
    return f"{value:,.{0 if isinstance(value, int) or abs(value) >= _ALL_DIGITS else digits}f}"
