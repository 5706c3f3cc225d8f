"""The part `publisher` at the scale that takes seconds: what it tells, never how quick it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.bench import publishing
from consumer.bench.result import Sample
from consumer.bench.terms import Terms

pytestmark = pytest.mark.real


def test_every_way_to_publish_is_measured_and_only_aggregates_hold_several_records(tmp_path: Path) -> None:
    result = publishing.measure(Terms("smoke", tmp_path, 1, lambda _: None))

    assert {row.label: is_aggregated(row.cells["records in one of Kinesis"]) for row in result.rows} == {
        "each by itself": False,
        "each by itself, keys in strict order": False,
        "aggregates, keys in strict order": True,
        "background, each by itself": False,
        "background, aggregates": True,
    }
    assert all(isinstance(cell, Sample) and cell.low > 0 for row in result.rows for cell in row.cells.values())


def is_aggregated(cell: object) -> bool:
    assert isinstance(cell, Sample)
    return cell.low > 1
