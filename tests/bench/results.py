"""A small result that tests of tables, documents and charts share."""

from __future__ import annotations

from typing import Any

from consumer.bench.machine import Machine
from consumer.bench.result import Column, Panel, Result, Row, Sample, Target

MACHINE = Machine("a processor", 2, 8.0, "3.11.7", "Linux", 0.1, (10.0, 11.0))


def a_result(**changes: Any) -> Result:
    """Two contestants, a figure with rounds, one without, and a word."""
    given: dict[str, Any] = {
        "part": "pipe",
        "title": "A worker",
        "columns": (Column("CPU", "µs"), Column("rate", "", 0), Column("remark", "")),
        "rows": (
            Row("ours", {"CPU": Sample((21.25, 20.0, 24.5)), "rate": 41_250.0, "remark": "quiet"}),
            Row("theirs", {"CPU": Sample((400.0, 380.0, 420.0)), "rate": 2_500}),
        ),
        "settings": {"rounds": 3, "model": "trees"},
        "notes": ("measured alone",),
        "targets": (Target("CPU per record", "≤ 25 µs", "21.2 µs", is_met=True),),
        "panel": Panel("CPU per record", "µs", (("ours", Sample((21.25, 20.0, 24.5))), ("theirs", 400.0))),
    }
    return Result(**(given | changes))
