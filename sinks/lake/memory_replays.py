"""Rows of replayed dead letters in memory, for tests and dry runs: one a key, as on S3."""

from __future__ import annotations

from collections import deque
from typing import Literal

from schemas.decision import Decision
from sinks.errors import TransientSinkError
from sinks.lake.keys import replay_key

Failure = Literal["before", "after"]


class MemoryReplayLake:
    """A `sinks.port.ReplayLake` that keeps rows by key. `fail_next` makes the next PUTs fail before or after the row stands."""

    def __init__(self) -> None:
        self.rows: dict[str, Decision] = {}
        self._failures: deque[Failure] = deque()

    def fail_next(self, *failures: Failure) -> None:
        """Make the next PUTs fail, one each, in this order."""
        self._failures.extend(failures)

    def put(self, row: Decision) -> None:
        """See `sinks.port.ReplayLake.put`. Raises TransientSinkError if so told."""
        failure = self._failures.popleft() if self._failures else None
        if failure == "before":
            raise TransientSinkError("the lake cannot be reached")
        self.rows.setdefault(replay_key(row.arrival_time.date(), row.position), row)
        if failure == "after":
            raise TransientSinkError("the lake's answer was lost")
