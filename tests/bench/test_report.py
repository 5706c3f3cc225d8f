from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from consumer.bench.errors import BenchRefused
from consumer.bench.report import decode, document, encode, fitting_table, lines_below, panel_in, show, table_of
from consumer.bench.result import Cell, Column, Result, Row, Sample, Target
from tests.bench.results import MACHINE, a_result

AT = datetime(2026, 8, 12, 10, 30, tzinfo=UTC)


def _printed(result: Result) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(table_of(result))
    return capture.get()


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, ""),
        ("quiet", "quiet"),
        (7, "7"),
        (41_250.4, "41,250"),
        (2.345, "2.35"),
        (Sample((2.345,)), "2.35"),
        (Sample((2.0, 4.0, 3.5)), "3.50 (2.00\N{EN DASH}4.00)"),
        (Sample((99.0, 101.0, 100.0)), "100 (99.00\N{EN DASH}101)"),
    ],
)
def test_a_cell_is_shown_with_the_digits_that_matter_and_the_range_of_its_rounds(cell: Cell | None, shown: str) -> None:
    assert show(cell, 2) == shown


def test_the_table_has_a_line_for_each_row_and_the_units_in_its_head() -> None:
    lines = _printed(a_result()).splitlines()
    assert lines[0].strip() == "A worker"
    assert "CPU [µs]" in lines[2]
    assert "rate " in lines[2]
    assert lines[4].split() == ["ours", "21.2", "(20.0\N{EN DASH}24.5)", "41,250", "quiet"]
    assert lines[5].split() == ["theirs", "400", "(380\N{EN DASH}420)", "2,500"]


@pytest.mark.parametrize(
    ("width", "cells"),
    [
        (100, ["ours", "21.2", "(20.0\N{EN DASH}24.5)", "41,250", "quiet"]),
        (40, ["ours", "21.2", "41,250", "quiet", "(20.0\N{EN DASH}24.5)"]),
        (33, ["ours", "21.2", "41,250", "quiet", "theirs"]),
    ],
)
def test_the_range_gives_way_where_there_is_little_room(width: int, cells: list[str]) -> None:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(fitting_table(a_result(title="W"), console))
    words = capture.get().split()
    first = words.index("ours")
    assert words[first : first + 5] == cells
    assert "…" not in capture.get()


def test_brackets_in_labels_are_not_taken_for_markup() -> None:
    assert "[bold]x[/bold]" in _printed(a_result(rows=(Row("[bold]x[/bold]", {"CPU": 1.0}),)))


def test_a_target_that_was_missed_is_said_plainly() -> None:
    missed = Target("CPU per record", "≤ 25 µs", "40.3 µs", is_met=False)
    reached, below, *_ = lines_below(a_result(targets=(*a_result().targets, missed)))
    assert reached == "target reached: CPU per record: wanted ≤ 25 µs, here 21.2 µs"
    assert below == "target MISSED: CPU per record: wanted ≤ 25 µs, here 40.3 µs"


def test_notes_and_settings_stand_below_the_table() -> None:
    assert list(lines_below(a_result()))[1:] == ["measured alone", "rounds 3, model trees"]


def test_the_document_says_what_was_measured_when_on_what_and_in_each_round() -> None:
    found = decode("pipe.json", encode(document(a_result(), "short", MACHINE, AT)))
    assert {name: found[name] for name in ("part", "title", "at", "scale")} == {
        "part": "pipe",
        "title": "A worker",
        "at": "2026-08-12T10:30:00+00:00",
        "scale": "short",
    }
    assert found["machine"] == {**MACHINE._asdict(), "pace_ms": list(MACHINE.pace_ms)}
    assert found["columns"][0] == {"name": "CPU", "unit": "µs"}
    assert found["rows"][0] == {
        "label": "ours",
        "cells": {
            "CPU": {"low": 20.0, "middle": 21.25, "high": 24.5, "values": [21.25, 20.0, 24.5]},
            "rate": 41_250.0,
            "remark": "quiet",
        },
    }
    assert found["targets"][0]["is_met"] is True
    assert found["settings"] == {"rounds": 3, "model": "trees"}


@pytest.mark.parametrize("changes", [{}, {"panel": None}])
def test_the_place_in_the_summary_chart_comes_back_from_the_file(changes: dict[str, Any]) -> None:
    result = a_result(**changes)
    assert panel_in(decode("pipe.json", encode(document(result, "short", MACHINE, AT)))) == result.panel


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"panel": 1}', b'{"panel": {"title": "x"}}'])
def test_a_file_that_no_part_wrote_is_refused_by_its_name(content: bytes) -> None:
    with pytest.raises(BenchRefused, match=r"latency\.json is not what a part writes.*delete it"):
        decode("latency.json", content)


def test_columns_without_a_cell_stay_empty() -> None:
    result = a_result(columns=(Column("a", ""), Column("b", "")), rows=(Row("x", {"b": 1.0}),))
    assert _printed(result).splitlines()[4].split() == ["x", "1.0"]
