from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from consumer.bench import end_to_end, stages
from consumer.planning.errors import PlanRefused
from consumer.planning.figures import COMMIT_STAGE, PARQUET_STAGE, SYSTEM_COLUMNS, WORKER_STAGES, read_figures
from consumer.planning.measured import Measured, inputs, with_figures


def a_part(name: str, cells: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"part": name, "rows": [{"label": label, "cells": values} for label, values in cells.items()]}


def sizes(small: float, large: float) -> dict[str, Any]:
    return {
        size: {"low": 0, "middle": us, "high": 9e9}
        for size, us in (("batch 10", small), ("batch 500", large), ("batch 5000", large))
    }


STAGES = a_part(
    "stages",
    {**{name: sizes(60, 11) for name in WORKER_STAGES}, PARQUET_STAGE: sizes(99, 8), COMMIT_STAGE: sizes(206, 10)},
)
SYSTEM = a_part(
    "end-to-end",
    {"1 shard": {"workers": 99, "java": 99, "postgres": 99}, "4 shards": {"workers": 40, "java": 12, "postgres": 15}},
)


def read(document: object) -> Measured:
    return read_figures(json.dumps(document).encode(), "figures.json", Measured())


def test_names_with_numbers_replace_the_tables_own() -> None:
    measured = read({"postgres_row_us": 7, "worker_mb": 33.5})
    assert (measured.postgres_row_us, measured.worker_mb) == (7, 33.5)
    assert measured.java_mb == Measured().java_mb


def test_two_batch_sizes_tell_the_cost_of_a_batch_from_that_of_a_record() -> None:
    measured = read(STAGES)
    assert measured.postgres_batch_us == pytest.approx(2_000)  # 206 = 6 + 2,000 / 10 and 10 = 6 + 2,000 / 500
    assert measured.postgres_row_us == pytest.approx(6)
    assert measured.worker_batch_us == pytest.approx(500 * len(WORKER_STAGES))
    assert measured.worker_record_us == pytest.approx(10 * len(WORKER_STAGES) + 8)


def test_noise_never_makes_a_cost_that_is_none() -> None:
    noisy = a_part(
        "stages",
        {**{name: sizes(5, 9) for name in WORKER_STAGES}, PARQUET_STAGE: sizes(9, 8), COMMIT_STAGE: sizes(1, 9)},
    )
    assert read(noisy).postgres_batch_us == 1


def test_the_largest_system_that_was_measured_goes_before_its_stages() -> None:
    measured = read({"parts": {"stages": STAGES, "end-to-end": SYSTEM, "latency": {}}})
    assert (measured.worker_record_us, measured.java_record_us, measured.postgres_row_us) == (40, 12, 15)
    assert measured.postgres_batch_us == pytest.approx(2_000)


WRONG: dict[str, tuple[Any, str]] = {
    "a list": ([1], "figures.json is no JSON object"),
    "a name that is none": ({"postgres_us": 3}, "figures.json names 'postgres_us'; an input is one of chunk_row_bytes"),
    "a text": ({"worker_mb": "3"}, "gives '3' for worker_mb; give a number above 0"),
    "nothing": ({"worker_mb": 0}, "gives 0 for worker_mb"),
    "a truth": ({"worker_mb": True}, "gives True for worker_mb"),
    "a part without a stage": (a_part("stages", {}), "run `fraudstream bench stages end-to-end` again"),
    "a part without rows": ({"part": "end-to-end", "rows": []}, "run `fraudstream bench stages end-to-end` again"),
    "another part": (a_part("latency", {}), "holds nothing that a plan uses"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_makes_no_sense_is_refused_with_the_remedy(case: str) -> None:
    document, told = WRONG[case]
    with pytest.raises(PlanRefused) as refused:
        read(document)
    assert told in str(refused.value)


def test_what_the_benchmark_calls_its_rows_is_what_a_plan_asks_for() -> None:
    source = inspect.getsource(stages)
    assert [name for name in (*WORKER_STAGES, PARQUET_STAGE, COMMIT_STAGE) if f'"{name}"' not in source] == []
    assert set(SYSTEM_COLUMNS) <= {column.name for column in end_to_end._COLUMNS}


def test_each_input_has_a_unit_a_meaning_and_where_it_comes_from() -> None:
    table = inputs(Measured())
    assert all(one.unit and one.meaning and one.command and one.value > 0 for one in table)
    assert {one.is_measured for one in table} == {True, False}
    assert len({one.name for one in table}) == len(table)


def test_a_figure_of_the_users_counts_as_measured_by_them() -> None:
    [java] = [
        one
        for one in inputs(with_figures(Measured(), {"java_record_us": 9.0}, "--set"))
        if one.name == "java_record_us"
    ]
    assert (java.value, java.command, java.is_measured) == (9.0, "given by you", True)
