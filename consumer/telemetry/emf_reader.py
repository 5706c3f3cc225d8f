"""Reads metrics back out of a log: for the demo's table and for tests. CloudWatch does the same with the same lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from consumer.telemetry.metrics import METRICS, MetricName


@dataclass(slots=True)
class Series:
    """Every value of one metric with one value of its dimension, in the order logged."""

    values: list[float] = field(default_factory=list)

    @property
    def total(self) -> float:
        """The sum: what a metric that is a sum comes to."""
        return sum(self.values)

    def percentile(self, share: float) -> float:
        """Return the smallest value that at least `share` (0 to 1) of the values do not exceed. Raises IndexError without values."""
        ordered = sorted(self.values)
        return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


SeriesKey = tuple[MetricName, str | None]
"""A metric's name and the value of its dimension beside Application, if it has one."""


def read_emf(lines: Iterable[str]) -> dict[SeriesKey, Series]:
    """Return what the metrics in a log come to. Lines that are no metrics, cut or mixed up are passed over."""
    series: dict[SeriesKey, Series] = {}
    for document in _documents(lines):
        for name, metric in METRICS.items():
            if name in document:
                of = document.get(metric.dimension) if metric.dimension else None
                found = document[name]
                series.setdefault((name, of), Series()).values += found if isinstance(found, list) else [found]
    return series


def _documents(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if '"_aws"' not in line:
            continue
        try:
            document = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(document, dict):
            yield document
