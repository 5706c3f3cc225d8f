from __future__ import annotations

from typing import Any

import pytest

from consumer.bench.result import Column, Row, Sample
from consumer.bench.terms import Scale, Terms
from tests.bench.results import a_result


def test_a_sample_knows_its_least_middle_and_greatest_value() -> None:
    sample = Sample((3.0, 1.0, 2.5))
    assert (sample.low, sample.middle, sample.high) == (1.0, 2.5, 3.0)


def test_the_middle_of_an_even_number_of_rounds_lies_between_the_middle_two() -> None:
    assert Sample((4.0, 1.0, 2.0, 10.0)).middle == 3.0


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ((Row("ours", {"nonsense": 1.0}),), "without a column: .*nonsense"),
        ((Row("ours", {"CPU": Sample(())}),), "without a value: .*CPU"),
        ((Row("ours", {"CPU": 1.0}), Row("ours", {"CPU": 2.0})), "same label"),
    ],
)
def test_a_result_that_could_not_be_shown_is_refused(rows: tuple[Row, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        a_result(columns=(Column("CPU", "µs"),), rows=rows)


@pytest.mark.parametrize(("scale", "expected"), [("smoke", 1), ("short", 2), ("full", 3)])
def test_terms_pick_the_value_of_their_scale(scale: Scale, expected: int, tmp_path: Any) -> None:
    assert Terms(scale, tmp_path, 1, print).pick(1, 2, 3) == expected
