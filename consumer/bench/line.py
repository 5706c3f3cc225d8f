"""A straight line through points by least squares: does something grow, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """The slope in units of y for each of x, and the mean of y."""

    slope: float
    mean: float


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Fit y to x; the slope is 0 where all points have the same x. Raises ZeroDivisionError where there is no point."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0
    return Line(slope, middle_y)
