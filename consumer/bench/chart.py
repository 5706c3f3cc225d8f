"""Charts as SVG text, for a README in light and in dark: no background, and a grey that reads as well on white as on black."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from consumer.bench.errors import need
from consumer.bench.report import heading, show
from consumer.bench.result import Column, Panel, Result, Sample

_INK, _FAINT, _DOT = "#7a7a7a", "#7a7a7a40", "#2f81d6"
"""The grey has a contrast of 4.3 with white and with GitHub's dark background alike; the blue has 4 and more."""
_WIDTH_IN, _ROW_IN, _FRAME_IN = 10.0, 0.22, 0.5
_PANELS_A_LINE = 3
_LOGARITHMIC_FROM = 30
"""Where the greatest of a panel's figures is so many times the least, a linear axis would show one of them only."""
_ROOM_FOR_TEXT = 1.35
_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "fraudstream",
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.titlesize": 10,
}

_Figures = Mapping[str, Sample]


class _Dots(NamedTuple):
    """A panel of a part's chart: one column of its table."""

    title: str
    digits: int
    figures: _Figures


def draw_result(result: Result) -> str | None:
    """Return the chart of one part: a panel a drawn column, a line a row, a dot at the median between least and greatest value.

    None where there is no figure to draw. The same result gives the same text. Raises BenchRefused without matplotlib.
    """
    panels = [panel for column in result.columns if column.is_drawn and (panel := _dots_of(result, column)).figures]
    if not panels:
        return None
    labels = [row.label for row in result.rows if any(row.label in panel.figures for panel in panels)]
    with need("matplotlib").rc_context(_RC):
        figure, lines = _new(len(panels), min(_PANELS_A_LINE, len(panels)), len(labels), is_shared=True)
        for axes, panel in zip(lines, panels, strict=True):
            _dots(axes, labels, panel)
        figure.suptitle(result.title, x=0.01, ha="left", fontweight="bold")
        return _svg(figure)


def draw_summary(panels: Sequence[Panel]) -> str | None:
    """Return the chart of several parts, each in a panel with bars of its own; None where there is none."""
    if not panels:
        return None
    with need("matplotlib").rc_context(_RC):
        figure, lines = _new(len(panels), 2, max(len(panel.bars) for panel in panels), is_shared=False)
        for axes, panel in zip(lines, panels, strict=True):
            _bars(axes, {label: _as_sample(value) for label, value in panel.bars})
            title = f"{panel.title} [{panel.unit}]" if panel.unit else panel.title
            axes.set_title(title, loc="left", fontweight="bold")
        return _svg(figure)


def _dots_of(result: Result, column: Column) -> _Dots:
    cells = {row.label: row.cells.get(column.name) for row in result.rows}
    figures = {
        label: _as_sample(cell) for label, cell in cells.items() if cell is not None and not isinstance(cell, str)
    }
    return _Dots(heading(column), column.digits, figures)


def _dots(axes: Any, labels: Sequence[str], panel: _Dots) -> None:
    is_logarithmic = _scale(axes, list(panel.figures.values()))
    for place, label in enumerate(labels):
        if (sample := panel.figures.get(label)) is not None:
            axes.plot([sample.low, sample.high], [place, place], color=_DOT, linewidth=3, alpha=0.45)
            axes.plot([sample.middle], [place], "o", color=_DOT, markersize=4)
            _note(axes, sample.high, place, show(sample.middle, panel.digits))
    _places(axes, labels)
    axes.set_title(f"{panel.title}, log scale" if is_logarithmic else panel.title, loc="left")


def _bars(axes: Any, figures: _Figures) -> None:
    _limit(axes, list(figures.values()))
    axes.barh(range(len(figures)), [sample.middle for sample in figures.values()], color=_DOT, height=0.62)
    for place, sample in enumerate(figures.values()):
        axes.plot([sample.low, sample.high], [place, place], color=_INK, linewidth=1)
        _note(axes, sample.high, place, show(sample, 1))
    _places(axes, list(figures))


def _scale(axes: Any, samples: Sequence[Sample]) -> bool:
    """Choose the axis; return whether it is logarithmic."""
    least, greatest = min(sample.low for sample in samples), max(sample.high for sample in samples)
    if least <= 0 or greatest <= _LOGARITHMIC_FROM * least:
        _limit(axes, samples)
        return False
    span = greatest / least
    axes.set_xscale("log")
    axes.set_xlim(least / span**0.05, greatest * span**0.45)
    return True


def _limit(axes: Any, samples: Sequence[Sample]) -> None:
    least, greatest = min(sample.low for sample in samples), max(sample.high for sample in samples)
    axes.set_xlim(min(0.0, least), _ROOM_FOR_TEXT * greatest if greatest > 0 else 1.0)


def _note(axes: Any, x: float, place: int, text: str) -> None:
    axes.annotate(text, (x, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8)


def _places(axes: Any, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xticks([])  # each figure stands beside its mark
    axes.set_xticks([], minor=True)
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def _new(panels: int, columns: int, rows: int, *, is_shared: bool) -> tuple[Any, list[Any]]:
    """Return a figure and its panels; where they share their rows, the first of each line has the labels."""
    lines = math.ceil(panels / columns)
    size = (_WIDTH_IN, lines * (_FRAME_IN + rows * _ROW_IN))
    figure = need("matplotlib.figure").Figure(figsize=size, layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False, sharey=is_shared).flatten().tolist()
    for unused in axes[panels:]:
        unused.set_visible(False)
    return figure, axes[:panels]


def _svg(figure: Any) -> str:
    text = io.StringIO()
    canvas = need("matplotlib.backends.backend_svg").FigureCanvasSVG(figure)
    canvas.print_svg(text, metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _as_sample(value: Sample | float) -> Sample:
    return value if isinstance(value, Sample) else Sample((float(value),))
