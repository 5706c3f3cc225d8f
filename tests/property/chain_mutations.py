"""The real chunk chain with one rule of effects.md taken out at a time, by name."""

from __future__ import annotations

from typing import Any

from schemas.decision import Decision
from schemas.position import Position, StreamPosition
from sinks.errors import TransientSinkError
from sinks.lake.appender import LakeAppender
from sinks.lake.chunks import ChunkChain, Consumed
from sinks.lake.memory import MemoryLake
from sinks.port import ChunkFooter, ChunkObject
from tests.property.chain_rules import Rules


class _TakesATakenKeyForSuccess(ChunkChain):
    def settle(self, footer: ChunkFooter) -> None:
        super().settle(self._sealed.footer if self._sealed else footer)


class _Overwrites(MemoryLake):
    def put(self, chunk: ChunkObject) -> ChunkFooter:
        self.objects.pop(chunk.key, None)
        return super().put(chunk)


class _DropsTheWholeBufferOnAdoption(ChunkChain):
    def settle(self, footer: ChunkFooter) -> None:
        super().settle(footer)
        self._open = None


class _KeepsRowsThatAreAdopted(ChunkChain):
    def settle(self, footer: ChunkFooter) -> None:
        rows = self._sealing.rows if self._sealing else []
        super().settle(footer)
        if self._open:
            self._open.rows = rows


class _ForgetsWhatWasAppendedSince(ChunkChain):
    def settle(self, footer: ChunkFooter) -> None:
        self._open = None
        super().settle(footer)


class _KeepsWhatWasAppendedSinceThoughItIsAdopted(ChunkChain):
    def settle(self, footer: ChunkFooter) -> None:
        since = self._open
        super().settle(footer)
        self._open = since or self._open


class _DoesNotSkipAfterAdoption(ChunkChain):
    def settle(self, footer: ChunkFooter) -> None:
        sealed = self._sealed
        super().settle(footer)
        if sealed and self._end:
            self._end = min(self._end, sealed.footer.end.within_shard)


class _GrowsUnderOneId(LakeAppender):
    _id = ""

    def _close_if_due(self) -> None:
        if self._chain.is_due(self._clock()):
            self.flush()

    def flush(self) -> None:
        chain = self._chain
        self._id = self._id or self._new_chunk_id()
        if chunk := chain.seal(self._id):
            try:
                footer = self._lake.put(chunk)
            except TransientSinkError:
                chain._open, chain._sealed, chain._sealing = chain._sealing, None, None
                return
            if footer.chunk_id == self._id:
                footer = chunk.footer
            self._id = ""
            chain.settle(footer)
            self._checkpoint_if_reached()


class _CheckpointsInsideAnAdoptedObject(ChunkChain):
    def checkpointable(self, delivered: Position) -> Position | None:
        return None if self._end is None else min(self._end, delivered)


class _CheckpointsWhatWasDelivered(ChunkChain):
    def checkpointable(self, delivered: Position) -> Position | None:
        return None if self._end is None else delivered


class _CheckpointsBeforeThePut(LakeAppender):
    def _store(self, chunk: ChunkObject) -> None:
        self._checkpoint(chunk.footer.end.within_shard)
        super()._store(chunk)


class _WritesNoEmptyObjects(LakeAppender):
    def _store(self, chunk: ChunkObject) -> None:
        if chunk.rows:
            super()._store(chunk)
        else:
            self._chain.settle(chunk.footer)


class _LeavesRecordsWithoutRowsOut(LakeAppender):
    """A chunk begins at the first row; what comes before it belongs to nothing."""

    def _append_one(self, record: Consumed) -> None:
        if self._chain._open is not None or record.row is not None:
            super()._append_one(record)


class _ListsNothing(ChunkChain):
    def needs_listing(self, record: Consumed) -> bool:  # noqa: ARG002
        return False


class _ListsAtTheStartOnly(ChunkChain):
    def needs_listing(self, record: Consumed) -> bool:  # noqa: ARG002
        return not self._listed_days


class _TrustsItsCheckpoint(LakeAppender):
    """No listing where a worker begins at a checkpoint: true by induction, unless records beyond it were trimmed."""

    def __init__(self, *arguments: Any, **others: Any) -> None:
        super().__init__(*arguments, **others)
        worker = others["checkpoint"].__self__
        if worker.application.checkpoint is not None:
            self._chain.needs_listing = lambda _: False  # type: ignore[method-assign, assignment]


class _ExtendsOverKeysAhead(ChunkChain):
    def must_close_before(self, record: Consumed) -> bool:
        return self._open is not None and record.arrival_day != self._open.records[0].arrival_day


class _DoesNotHeadWhatStands(ChunkChain):
    def pass_by(self, position: StreamPosition, footer: ChunkFooter | None) -> None:  # noqa: ARG002
        super().pass_by(position, None)


class _SpansDays(ChunkChain):
    def must_close_before(self, record: Consumed) -> bool:
        return self._open is not None and self.standing_key(record.position) is not None


def _keep_every_row(_: StreamPosition, effective: Decision | None) -> Decision | None:
    return effective


MUTATIONS: dict[str, Rules] = {
    "412 is taken for success": Rules(chain=_TakesATakenKeyForSuccess),
    "PUT overwrites": Rules(lake=_Overwrites),
    "adoption drops the whole buffer": Rules(chain=_DropsTheWholeBufferOnAdoption),
    "adoption keeps the rows that were adopted": Rules(chain=_KeepsRowsThatAreAdopted),
    "what was appended since a chunk left is forgotten": Rules(chain=_ForgetsWhatWasAppendedSince),
    "what was appended since is kept though it is adopted": Rules(chain=_KeepsWhatWasAppendedSinceThoughItIsAdopted),
    "adoption skips no further than what was buffered": Rules(chain=_DoesNotSkipAfterAdoption),
    "a chunk grows under one id": Rules(appender=_GrowsUnderOneId),
    "checkpoint inside an adopted object": Rules(chain=_CheckpointsInsideAnAdoptedObject),
    "checkpoint at what was delivered": Rules(chain=_CheckpointsWhatWasDelivered),
    "checkpoint before the PUT": Rules(appender=_CheckpointsBeforeThePut),
    "no object for a stretch without rows": Rules(appender=_WritesNoEmptyObjects),
    "a chunk begins at its first row": Rules(appender=_LeavesRecordsWithoutRowsOut),
    "no listing": Rules(chain=_ListsNothing),
    "listing at the start only": Rules(chain=_ListsAtTheStartOnly),
    "no listing at a checkpoint": Rules(appender=_TrustsItsCheckpoint),
    "a chunk extends over a key ahead": Rules(chain=_ExtendsOverKeysAhead),
    "what stands is listed but not looked at": Rules(chain=_DoesNotHeadWhatStands),
    "a chunk spans two days": Rules(chain=_SpansDays),
    "a row that another position decided is kept": Rules(row_of=_keep_every_row),
}
