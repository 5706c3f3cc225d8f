from __future__ import annotations

import sys
import xml.etree.ElementTree as ET

import pytest

from consumer.bench.chart import draw_result, draw_summary
from consumer.bench.errors import BenchRefused
from consumer.bench.result import Column, Panel, Row, Sample
from tests.bench.results import a_result


def _texts(svg: str | None) -> list[str]:
    assert svg is not None
    return [(element.text or "").strip() for element in ET.fromstring(svg).iter() if element.tag.endswith("}text")]  # noqa: S314 - our own


def test_a_chart_has_a_panel_a_column_with_figures_and_a_line_a_row() -> None:
    texts = _texts(draw_result(a_result()))
    assert {"A worker", "ours", "theirs", "CPU [µs]", "rate", "21.2", "41,250"} <= set(texts)
    assert "remark" not in texts


def test_rows_that_have_no_figure_get_no_line() -> None:
    rows = (Row("drawn", {"CPU": 1.0}), Row("words", {"remark": "none"}))
    texts = _texts(draw_result(a_result(rows=rows)))
    assert "drawn" in texts
    assert "words" not in texts


def test_a_column_may_stay_out_of_the_chart() -> None:
    columns = (Column("CPU", "µs"), Column("rate", "", is_drawn=False), Column("remark", ""))
    texts = _texts(draw_result(a_result(columns=columns)))
    assert "CPU [µs]" in texts
    assert "rate" not in texts


def test_figures_far_apart_are_drawn_on_a_logarithmic_axis_which_says_so() -> None:
    rows = (Row("a", {"CPU": 1.0}), Row("b", {"CPU": 1_000.0}))
    assert "CPU [µs], log scale" in _texts(draw_result(a_result(rows=rows)))


@pytest.mark.parametrize("values", [(0.0, 0.0), (0.0, 50.0), (-3.0, 50.0)])
def test_nothing_and_less_than_nothing_are_drawn_too(values: tuple[float, float]) -> None:
    rows = tuple(Row(f"row {value}", {"CPU": value}) for value in values[: len(set(values))])
    assert {f"row {value}" for value in values} <= set(_texts(draw_result(a_result(rows=rows))))


def test_without_a_figure_there_is_no_chart() -> None:
    assert draw_result(a_result(rows=(Row("words", {"remark": "none"}),))) is None
    assert draw_summary([]) is None


def test_the_same_result_gives_the_same_bytes() -> None:
    assert draw_result(a_result()) == draw_result(a_result())


def test_the_summary_has_a_panel_of_bars_for_each_part() -> None:
    panels = [
        Panel("CPU", "µs", (("ours", Sample((20.0, 21.0, 25.0))),)),
        Panel("times faster", "", (("plain", 12.5),)),
    ]
    texts = _texts(draw_summary(panels))
    assert {"CPU [µs]", "ours", "21.0 (20.0\N{EN DASH}25.0)", "times faster", "plain", "12.5"} <= set(texts)


def test_charts_read_on_white_and_on_black_paper() -> None:
    result = a_result()
    assert result.panel is not None
    for svg in (draw_result(result), draw_summary([result.panel])):
        assert svg is not None
        assert "#000000" not in svg
        assert "#ffffff" not in svg
        assert "fill: #7a7a7a" in svg


def test_without_matplotlib_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(BenchRefused, match=r"matplotlib cannot be imported.*make setup-dev"):
        draw_result(a_result())
