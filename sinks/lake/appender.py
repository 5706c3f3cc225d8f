"""Carries out the chunk chain: LIST, HEAD, conditional PUT and then, never before, the checkpoint. The rules are in `sinks.lake.chunks`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import structlog

from schemas.position import Position, StreamPosition
from sinks.errors import TransientSinkError
from sinks.lake.background import Background, Pending, at_once
from sinks.lake.chunks import ChunkChain, Consumed
from sinks.port import ChunkFooter, ChunkObject, Lake, Retry

_log = structlog.get_logger()


class LakeAppender:
    """One shard's way into the lake. Give it every record delivered, in order, after ledger and dead letters are committed.

    `checkpoint` is called with ends of chunks that stand, never beyond what was delivered, each once, in order. Whatever `lake`,
    `retry` and `checkpoint` raise passes through, LeaseLost included, and ends this appender: make a new one at the next `initialize`.
    A chunk that is due is stored in the `background` while records go on being appended, one at a time; it counts, and what it raises
    is raised, when the next call finds it done.
    """

    def __init__(
        self,
        chain: ChunkChain,
        lake: Lake,
        *,
        retry: Retry,
        new_chunk_id: Callable[[], str],
        clock: Callable[[], float],
        checkpoint: Callable[[Position], None],
        background: Background = at_once,
        share_bytes: Callable[[], int] = lambda: sys.maxsize,
    ) -> None:
        self._chain, self._lake, self._retry = chain, lake, retry
        self._new_chunk_id, self._clock, self._checkpoint = new_chunk_id, clock, checkpoint
        self._background, self._share_bytes = background, share_bytes
        self._in_flight: tuple[ChunkObject, Pending[ChunkFooter]] | None = None
        self._delivered: Position | None = None
        self._checkpointed: Position | None = None

    @property
    def adopted(self) -> int:
        """How many objects of somebody else stood where ours were to go: a metric, and a sign of zombies."""
        return self._chain.adopted

    def start_at(self, first: Consumed) -> None:
        """Find out what stands at the first record of a batch (its row is not needed), so that `skips` can spare the ledger work."""
        self._collect()
        if not self._chain.skips(first.position):
            self._approach(first)

    def skips(self, position: StreamPosition) -> bool:
        """Whether the record is in the lake already, with all its other effects: pass it to `append` without a row."""
        return self._chain.skips(position)

    def append(self, consumed: Sequence[Consumed]) -> None:
        """Take one delivered batch, whole: the skipped, the refused and the duplicates too, without rows."""
        if consumed:
            self._delivered = consumed[-1].position.within_shard
            if self._chain.takes_at_once(consumed):
                self._chain.append(consumed, self._clock())
            else:
                for record in consumed:
                    self._append_one(record)
        self.tick()

    def tick(self) -> None:
        """Close the open chunk if it is due; call it for empty batches too."""
        self._collect()
        self._close_if_due()
        self._checkpoint_if_reached()

    def flush(self) -> None:
        """Close the open chunk whatever its age: day change, a key ahead, shard end, shutdown.

        Afterwards every record appended stands in the lake. The checkpoint may still lag behind, if an adopted chunk ends beyond
        what was delivered.
        """
        self._land()
        while chunk := self._chain.seal(self._new_chunk_id()):
            self._store(chunk)
            self._checkpoint_if_reached()

    def _append_one(self, record: Consumed) -> None:
        if not self._chain.skips(record.position):
            self._approach(record)
        if not self._chain.skips(record.position):
            self._chain.append([record], self._clock())
            self._close_if_due()
            self._checkpoint_if_reached()

    def _approach(self, record: Consumed) -> None:
        chain, day = self._chain, record.arrival_day
        if chain.must_close_before(record):
            self.flush()
        if chain.needs_listing(record):
            chain.learn(day, self._retry(lambda: self._lake.keys(day, chain.epoch, chain.shard_id)))
        if key := chain.standing_key(record.position):
            chain.pass_by(record.position, self._retry(lambda: self._lake.footer(key)))

    def _close_if_due(self) -> None:
        """Send the open chunk on its way if it is due; wait for the one before it, so that there is never more than one."""
        if not self._chain.is_due(self._clock(), self._share_bytes()):
            return
        self._land()
        if chunk := self._chain.seal(self._new_chunk_id()):
            self._in_flight = (chunk, self._background(lambda: self._lake.put(chunk)))
            self._collect()

    def _collect(self) -> None:
        """Take what became of the chunk on its way, if that is known."""
        if self._in_flight is not None and self._in_flight[1].is_done():
            self._land()

    def _land(self) -> None:
        """Wait for the chunk on its way. Where it did not arrive it is stored again, with patience."""
        if self._in_flight is None:
            return
        chunk, pending = self._in_flight
        self._in_flight = None
        try:
            footer = pending.result()
        except TransientSinkError:
            self._store(chunk)
        else:
            self._settle(chunk, footer)
        self._checkpoint_if_reached()

    def _store(self, chunk: ChunkObject) -> None:
        self._settle(chunk, self._retry(lambda: self._lake.put(chunk)))

    def _settle(self, chunk: ChunkObject, footer: ChunkFooter) -> None:
        self._chain.settle(footer)
        is_own = footer.chunk_id == chunk.footer.chunk_id
        _log.info("chunk_stored" if is_own else "chunk_adopted", key=chunk.key, rows=footer.rows, end=footer.end[2:])

    def _checkpoint_if_reached(self) -> None:
        end = self._chain.checkpointable(self._delivered) if self._delivered else None
        if end is not None and end != self._checkpointed:
            self._checkpoint(end)
            self._checkpointed = end
