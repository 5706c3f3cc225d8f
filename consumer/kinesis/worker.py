"""The loop of one shard: one message from the daemon, one call of the processor, one answer.

Nothing is acknowledged unless the processor returned: an unanswered batch is delivered again, an answered one never.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto

import structlog

from consumer.kinesis.checkpointer import DaemonCheckpointer
from consumer.kinesis.collector import Collector
from consumer.kinesis.pipe import DaemonGone, DaemonPipe
from consumer.kinesis.port import Heartbeat, ShardProcessor
from consumer.kinesis.protocol import (
    Action,
    CheckpointReply,
    Initialize,
    LeaseLostNotice,
    Message,
    ProcessRecords,
    ProtocolError,
    ShardEnded,
    ShutdownRequested,
    checkpoint_of,
    decode_message,
    encode_status,
    stream_records,
)
from consumer.telemetry.metrics import Metrics, NoMeter
from schemas.position import ShardId, StreamEpoch, StreamRecord
from sinks.errors import LeaseLost

_log = structlog.get_logger(__name__)
_LOST_PATIENCE_S = 60.0


class Phase(Enum):
    """Where the worker stands with its shard."""

    IDLE = auto()
    OPEN = auto()
    LOST = auto()
    ENDING = auto()


class ShardWorker:
    """Serves one shard until the daemon closes the pipe.

    A lease that the processor found lost is believed at once: batches that were under way are answered unread, because their
    new owner reads them. Should the daemon go on sending batches for a minute, the two disagree and the worker stops loudly.
    """

    def __init__(
        self,
        pipe: DaemonPipe,
        processor: ShardProcessor,
        epoch: StreamEpoch,
        heartbeat: Heartbeat,
        metrics: Metrics | None = None,
        *,
        collector: Collector | None = None,
    ) -> None:
        self._collector = collector
        self._pipe, self._processor, self._epoch, self._heartbeat = pipe, processor, epoch, heartbeat
        self._metrics = metrics = metrics or NoMeter()
        self._checkpointer = DaemonCheckpointer(pipe, heartbeat, metrics)
        self._shard_id: ShardId | None = None
        self._phase = Phase.IDLE
        self._lost_at_s = 0.0
        self._records = 0
        self._behind_ms: int | None = None
        metrics.watch("MillisBehindLatest", lambda: self._behind_ms)
        metrics.watch("CheckpointAge", self._checkpointer.age_s)

    def run(self) -> None:
        """Serve until the pipe ends. Raises DaemonGone where it ends in the middle of a shard, and what the processor raises."""
        collector = self._collector
        while (line := self._pipe.read_line()) is not None:
            message = decode_message(line)
            self._pipe.write(encode_status(self._handle(message)))
            if collector is not None:  # after the answer: the daemon fetches the next batch meanwhile
                is_idle = isinstance(message, ProcessRecords) and not message.records
                collector.between_batches(time.monotonic(), is_idle=is_idle)
        if self._phase is Phase.OPEN:
            raise DaemonGone

    def _handle(self, message: Message) -> Action:
        match message:
            case Initialize():
                return self._initialize(message)
            case ProcessRecords():
                return self._process(message)
            case LeaseLostNotice():
                return self._lease_lost()
            case ShardEnded():
                return self._shard_ended()
            case ShutdownRequested():
                return self._shutdown_requested()
            case CheckpointReply():
                raise ProtocolError("the daemon answered a checkpoint that nobody asked for")

    def _initialize(self, message: Initialize) -> Action:
        self._shard_id = ShardId(message.shard_id)
        structlog.contextvars.bind_contextvars(shard_id=self._shard_id)
        checkpoint = checkpoint_of(message)
        self._heartbeat.beat(shard_id=self._shard_id)
        self._processor.initialize(self._shard_id, checkpoint)
        self._phase = Phase.OPEN
        _log.info("shard_initialized", has_checkpoint=checkpoint is not None)
        return "initialize"

    def _process(self, message: ProcessRecords) -> Action:
        if self._shard_id is None or self._phase is Phase.IDLE:
            raise ProtocolError("the daemon sent records before `initialize`")
        if self._phase is Phase.LOST:
            self._require_patience()
            return "processRecords"
        records = stream_records(message.records, self._epoch, self._shard_id)
        self._behind_ms = behind_ms = message.millis_behind_latest or 0
        with self._measured(records):
            self._unless_lost(lambda: self._processor.process(records, behind_ms, self._checkpointer))
        self._records += len(records)
        self._heartbeat.beat(millis_behind_latest=behind_ms, records=self._records)
        return "processRecords"

    @contextmanager
    def _measured(self, records: Sequence[StreamRecord]) -> Iterator[None]:
        """Measure a batch that was dealt with; empty ones are the daemon's clock, not work."""
        start_s = time.monotonic()
        if records:
            self._checkpointer.delivered(records[-1].position.within_shard)
        yield
        if records:
            self._metrics.count("RecordsConsumed", len(records))
            self._metrics.observe("BatchLatency", (time.monotonic() - start_s) * 1000)

    def _require_patience(self) -> None:
        if time.monotonic() - self._lost_at_s > _LOST_PATIENCE_S:
            raise ProtocolError(
                f"the lease was lost {_LOST_PATIENCE_S:.0f} s ago, yet the daemon goes on sending records"
            )

    def _lease_lost(self) -> Action:
        if self._phase in {Phase.OPEN, Phase.ENDING}:
            self._forget_shard()
        self._phase = Phase.IDLE
        return "leaseLost"

    def _shard_ended(self) -> Action:
        if self._phase in {Phase.IDLE, Phase.LOST}:
            raise ProtocolError("the daemon asks to end a shard that this worker does not own")
        try:
            self._processor.shard_ended(self._checkpointer)
        except LeaseLost as error:  # an answer would claim that the end was checkpointed, and block the children
            raise ProtocolError("the lease was lost while the shard was being ended") from error
        self._phase = Phase.IDLE
        _log.info("shard_ended", records=self._records)
        return "shardEnded"

    def _shutdown_requested(self) -> Action:
        if self._phase is Phase.OPEN:
            self._phase = Phase.ENDING
            self._unless_lost(lambda: self._processor.shutdown_requested(self._checkpointer))
        return "shutdownRequested"

    def _unless_lost(self, call: Callable[[], None]) -> None:
        try:
            call()
        except LeaseLost:
            self._forget_shard()

    def _forget_shard(self) -> None:
        self._phase, self._lost_at_s, self._behind_ms = Phase.LOST, time.monotonic(), None
        self._checkpointer.forget()
        self._processor.lease_lost()
        _log.info("lease_lost", records=self._records)
