"""The heart: one batch in, its effects out. The numbered steps are those of the README's life of a record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from consumer.batch import Batch, Reader, candidates, readable
from consumer.deciding import Decider, Deciding
from consumer.letters import letter_of
from consumer.policies.quarantine import QuarantineBrake, QuarantinePolicy
from consumer.telemetry.metrics import Metrics, NoMeter
from schemas.position import Position, ShardId, StreamEpoch, StreamRecord
from schemas.transaction import Received
from sinks.errors import OvertakenError, PermanentSinkError
from sinks.lake.appender import LakeAppender
from sinks.lake.background import Background, at_once
from sinks.lake.chunks import ChunkChain, Consumed, CutPolicy
from sinks.port import DeadLetters, Lake, Ledger, Refusal, Retry

_log = structlog.get_logger()


class Checkpoints(Protocol):
    """Moves the shard's checkpoint; raises LeaseLost where another worker owns the shard."""

    def checkpoint(self, position: Position) -> None:
        """Return once the checkpoint is stored."""

    def checkpoint_shard_end(self) -> None:
        """Return once the end of the shard is stored."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the pipeline works with: sinks, and the world's inputs (clock, retries, ids, heartbeat) as arguments."""

    ledger: Ledger
    lake: Lake
    dead_letters: DeadLetters
    decider: Decider
    reader: Reader
    retry: Retry
    now: Callable[[], datetime]
    steady_s: Callable[[], float]
    new_chunk_id: Callable[[], str]
    report: Callable[[Mapping[str, str | int | float | None]], None]
    metrics: Metrics = field(default_factory=NoMeter)
    background: Background = at_once
    chunk_share_bytes: Callable[[], int] = lambda: sys.maxsize


class ShardPipeline:
    """One shard's way from records to effects. State is dropped at `initialize` and `lease_lost`; the sinks hold the truth."""

    def __init__(self, epoch: StreamEpoch, services: Services, cut: CutPolicy, quarantine: QuarantinePolicy) -> None:
        self._epoch, self._services, self._cut = epoch, services, cut
        self._brake = QuarantineBrake(quarantine)
        self._appender: LakeAppender | None = None
        self._checkpoints: Checkpoints | None = None
        self._is_redelivery = True
        self._memory = services.decider.new_memory()
        services.metrics.watch("UsersRemembered", lambda: self._memory.held)

    def initialize(self, shard_id: ShardId, checkpoint: Position | None) -> None:
        """Start a new chain for the shard; where it stands in the lake is found out at the first record."""
        _log.info(
            "shard_started", shard_id=shard_id, checkpoint=str(checkpoint.sequence_number) if checkpoint else None
        )
        services = self._services
        self._is_redelivery = True  # until a batch holds nothing that is known
        self._memory = services.decider.new_memory()  # others may have decided in between
        self._appender = LakeAppender(
            ChunkChain(self._epoch, shard_id, self._cut),
            services.lake,
            retry=services.retry,
            new_chunk_id=services.new_chunk_id,
            clock=services.steady_s,
            checkpoint=self._checkpoint,
            background=services.background,
            share_bytes=services.chunk_share_bytes,
        )

    def process(self, records: Sequence[StreamRecord], millis_behind_latest: int, checkpointer: Checkpoints) -> None:
        """Give every record of the batch its effects, once; close the chunk and checkpoint where that is due."""
        self._checkpoints = checkpointer
        appender, services = self._open_appender(), self._services
        if not records:
            appender.tick()
        else:
            received_at = services.now()
            appender.start_at(Consumed(records[0].position, records[0].arrival_time))
            fresh = records
            if appender.skips(records[0].position):
                fresh = [r for r in records if not appender.skips(r.position)]
            batch = self._decide(fresh, received_at)  # 1 to 4
            self._count(records, batch)
            appender.append(batch.consumed(records))  # 5 append; 6 close the chunk where due, then checkpoint
        services.report({"millis_behind_latest": millis_behind_latest, "batch": len(records)})

    def lease_lost(self) -> None:
        """Forget the shard: another worker owns it and goes on from the last checkpoint."""
        self._appender = self._checkpoints = None
        self._memory = self._services.decider.new_memory()

    def shard_ended(self, checkpointer: Checkpoints) -> None:
        """Close the last chunk, then let the children of the shard begin."""
        self._checkpoints = checkpointer
        self._open_appender().flush()
        checkpointer.checkpoint_shard_end()

    def shutdown_requested(self, checkpointer: Checkpoints) -> None:
        """Close the open chunk, so that nothing of what was done is replayed."""
        self._checkpoints = checkpointer
        if self._appender is not None:
            self._appender.flush()

    def _decide(self, records: Sequence[StreamRecord], received_at: datetime) -> Batch:
        batch = self._decide_unless_overtaken(records, received_at)
        self._is_redelivery &= not records or batch.known(len(records)) > 0
        if batch.refused_now or batch.refused_before:
            self._brake.observe(batch.verdicts(records))
            self._set_aside(batch, records)
        else:
            self._brake.release(len(records))
        return batch

    def _decide_unless_overtaken(self, records: Sequence[StreamRecord], received_at: datetime) -> Batch:
        """A round is overtaken by the verdict on one of its records, which stands: there are no more such rounds than records."""
        for overtaken in range(len(records) + 1):
            try:
                return self._give_verdicts(records, received_at, by_position=overtaken > 0 or self._is_redelivery)
            except OvertakenError as error:
                _log.warning("batch_overtaken", error=str(error), records=len(records))
                self._services.report({})
        raise PermanentSinkError("the ledger's look-up does not show the verdicts that its commit objects to")

    def _give_verdicts(self, records: Sequence[StreamRecord], received_at: datetime, *, by_position: bool) -> Batch:
        """`by_position`: find what was decided here, even if the code that did it read another identity: an earlier release's, or
        another owner's.
        """
        services, memory = self._services, self._memory
        batch = Batch(services.decider.horizon)
        deciding = Deciding(records, received_at, services.ledger, services.retry, self._brake, memory)
        waiting: Sequence[Received | Refusal] = [services.reader.read(record) for record in records]  # 1 decode
        while (
            waiting
        ):  # again only for events that share a transaction id with another of the batch, and those behind them
            asked, wanted = candidates(waiting, by_position=by_position), memory.wanted(readable(waiting))
            known = services.retry(partial(services.ledger.look_up, *asked, wanted))  # 2 look up
            if wanted.users:
                services.metrics.count("UsersLoaded", len(wanted.users))
            memory.load(wanted, known.histories, known.merchants)
            memory.apply(known.decisions)
            waiting = batch.sort(waiting, known)
            services.decider.decide(batch, deciding)  # 3 score, 4 commit
        return batch

    def _set_aside(self, batch: Batch, records: Sequence[StreamRecord]) -> None:
        refusals = {**batch.refused_before, **batch.refused_now}
        for record in (r for r in records if r.position in refusals):
            refusal = refusals[record.position]
            letter = letter_of(refusal, record, self._services.decider.versions)
            self._services.retry(partial(self._services.dead_letters.put, letter))
            self._services.report({})
            _log.warning(
                "record_refused", reason=refusal.reason, stage=refusal.stage, sequence_number=letter.sequence_number
            )

    def _count(self, records: Sequence[StreamRecord], batch: Batch) -> None:
        for refusal in batch.refused_now.values():
            self._services.metrics.count("RecordsRefused", of=refusal.stage)
        self._services.metrics.count("RecordsRepeated", batch.known(len(records)))

    def _checkpoint(self, position: Position) -> None:
        if self._checkpoints is None:
            raise RuntimeError("a checkpoint outside of a call from the daemon")
        self._checkpoints.checkpoint(position)
        self._services.report({"checkpoint": str(position.sequence_number)})

    def _open_appender(self) -> LakeAppender:
        if self._appender is None:
            raise RuntimeError("records before initialize")
        return self._appender
