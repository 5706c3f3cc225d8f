"""A lake in memory, for tests and dry runs: keeps what it is given, row for row, and fails where S3 may fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import date
from typing import Literal

from schemas.position import ShardId, StreamEpoch
from sinks.errors import TransientSinkError
from sinks.lake.keys import is_chunk_key, shard_prefix
from sinks.port import ChunkFooter, ChunkObject

Failure = Literal["before", "after"]
"""Whether a PUT fails before the object stands, or after it, when only the answer is lost."""


class MemoryLake:
    """Keeps objects by key. `fail_next` makes the next PUTs fail; each failure is used up by one call."""

    def __init__(self) -> None:
        self.objects: dict[str, ChunkObject] = {}
        self._failures: deque[Failure] = deque()

    def fail_next(self, *failures: Failure) -> None:
        """Make the next PUTs fail, one each, in this order."""
        self._failures.extend(failures)

    def put(self, chunk: ChunkObject) -> ChunkFooter:
        """Keep `chunk` unless its key is taken; return the footer of what stands there. Raises TransientSinkError if so told."""
        failure = self._failures.popleft() if self._failures else None
        if failure == "before":
            raise TransientSinkError("the lake cannot be reached", key=chunk.key)
        standing = self.objects.setdefault(chunk.key, chunk)
        if failure == "after":
            raise TransientSinkError("the lake's answer was lost", key=chunk.key)
        return standing.footer

    def footer(self, key: str) -> ChunkFooter | None:
        """Return the footer of the object at `key`, None if there is none."""
        standing = self.objects.get(key)
        return standing.footer if standing else None

    def keys(self, arrival_day: date, epoch: StreamEpoch, shard_id: ShardId) -> Sequence[str]:
        """Return every key of the shard's chunks of that day, in order; what else stands there is left out."""
        prefix = shard_prefix(arrival_day, epoch, shard_id)
        return sorted(key for key in self.objects if key.startswith(prefix) and is_chunk_key(key))
