"""Metrics as CloudWatch's embedded metric format: a JSON document a log line, from which CloudWatch Logs makes metrics.

Pure. Limits of the format: 100 values a metric and document, 100 metrics a directive; the documents here also fit one atomic write
to a pipe. Source: "Specification: Embedded metric format" in the Amazon CloudWatch user guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from consumer.telemetry.metrics import METRICS, MetricName, Process

NAMESPACE = "fraudstream"
MAX_VALUES = 100
"""In a document, of all its metrics together: with it a document stays below 4,096 bytes, what a pipe takes in one piece."""
_DIGITS = 6


@dataclass(slots=True)
class _Group:
    """What one document will hold: metrics with the same dimension, and the same value of it."""

    sums: dict[MetricName, float] = field(default_factory=dict)
    values: dict[MetricName, list[float]] = field(default_factory=dict)
    observed: int = 0

    @property
    def is_full(self) -> bool:
        return self.observed >= MAX_VALUES


class GroupKey(NamedTuple):
    """A dimension beside Application, and its value; both None for metrics without."""

    dimension: str | None = None
    of: str | None = None


class Gathered:
    """What one process has counted and observed since its documents were written. Made after the fork, hence empty there.

    Sums without a dimension are in every document, also as 0: where they are missing, the process is. `labels` stand in every
    document for those who search the log; they are no dimensions, because each value of a dimension is a metric that is paid for.
    """

    def __init__(self, application: str, process: Process, labels: Mapping[str, str] | None = None) -> None:
        self._root = {"Application": application, "process": process, **(labels or {})}
        self._always = [
            name for name, m in METRICS.items() if process in m.emitters and m.kind == "sum" and not m.dimension
        ]
        self._groups: dict[GroupKey, _Group] = {}
        self.is_full = False
        """Whether no document takes another value: then they are to be written before their time."""
        self._start_anew(GroupKey())

    def add(self, name: MetricName, number: float, of: str | None) -> None:
        """Add to a sum."""
        sums = self._group(name, of).sums
        sums[name] = sums.get(name, 0) + number

    def observe(self, name: MetricName, value: float, of: str | None) -> None:
        """Add a value. What comes while a document is full and cannot be written is dropped: memory is bounded."""
        group = self._group(name, of)
        if group.is_full:
            return
        group.values.setdefault(name, []).append(value)
        group.observed += 1
        self.is_full = self.is_full or group.is_full

    def read(self, name: MetricName, value: float, of: str | None) -> None:
        """Set what is read at the moment of emission."""
        self._group(name, of).values[name] = [value]

    def documents(self, now: datetime) -> Iterator[tuple[GroupKey, bytes]]:
        """Yield each document and the key to `written` it by. `now` is aware."""
        for key, group in list(self._groups.items()):
            yield key, self._document(key, group, now)

    def written(self, key: GroupKey, *, is_lost: bool) -> None:
        """Begin anew after a document was written; a lost one keeps its sums for the next, so that they stay right."""
        sums = self._groups.pop(key).sums
        self.is_full = any(group.is_full for group in self._groups.values())
        if is_lost:
            self._groups[key] = _Group(sums=sums)
        elif key == GroupKey():
            self._start_anew(key)

    def _start_anew(self, key: GroupKey) -> None:
        self._groups[key] = _Group(sums=dict.fromkeys(self._always, 0))

    def _group(self, name: MetricName, of: str | None) -> _Group:
        key = GroupKey(METRICS[name].dimension, of)
        if (group := self._groups.get(key)) is None:
            group = self._groups[key] = _Group()
        return group

    def _document(self, key: GroupKey, group: _Group, now: datetime) -> bytes:
        members: dict[MetricName, Any] = {name: _rounded(total) for name, total in group.sums.items()}
        members.update({name: _target(values) for name, values in group.values.items()})
        dimensions = ["Application"]
        root: dict[str, Any] = dict(self._root)
        if key.dimension is not None:
            dimensions.append(key.dimension)
            root[key.dimension] = key.of or "none"
        directive = {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": [_definition(n) for n in members]}
        head = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
        return msgspec.json.encode({"_aws": head, "event": "metrics", **root, **members})


def _definition(name: MetricName) -> dict[str, str]:
    return {"Name": name, "Unit": METRICS[name].unit}


def _target(values: list[float]) -> float | list[float]:
    rounded = [_rounded(value) for value in values]
    return rounded[0] if len(rounded) == 1 else rounded


def _rounded(value: float) -> float:
    """Six digits are enough for an alarm and keep documents short."""
    short = float(f"{value:.{_DIGITS}g}") if abs(value) < 10**_DIGITS else round(value)
    return int(short) if short == int(short) else short
