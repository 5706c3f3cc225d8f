"""The metrics that came lately into the consumer's log, read on from where the last look ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path

from consumer.telemetry.emf_reader import Series, SeriesKey, read_emf


class RecentMetrics:
    """What the last `looks` looks found, put together. A line that is not whole yet waits for the next look."""

    def __init__(self, log: Path, looks: int) -> None:
        self._log, self._offset = log, 0
        self._found: deque[Mapping[SeriesKey, Series]] = deque(maxlen=looks)

    def look(self) -> Mapping[SeriesKey, Series]:
        """Read on; nothing where there is no log yet."""
        self._found.append(read_emf(self._new_lines()))
        series: dict[SeriesKey, Series] = {}
        for found in self._found:
            for key, each in found.items():
                series.setdefault(key, Series()).values += each.values
        return series

    def _new_lines(self) -> list[str]:
        try:
            with self._log.open("rb") as log:
                log.seek(self._offset)
                whole, newline, _ = log.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += len(whole) + len(newline)
        return whole.decode(errors="replace").splitlines()
