"""Checkpoints through the daemon: asks, waits for the answer, and turns the daemon's error names into ours."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import structlog

from consumer.kinesis.pipe import DaemonGone, DaemonPipe
from consumer.kinesis.port import Heartbeat
from consumer.kinesis.protocol import CheckpointReply, ProtocolError, decode_message, encode_checkpoint
from consumer.policies.backoff import Backoff
from consumer.telemetry.metrics import Metrics
from schemas.position import Position
from sinks.errors import LeaseLost, PermanentSinkError

_log = structlog.get_logger(__name__)
_RETRIED = frozenset({"ThrottlingException", "KinesisClientLibDependencyException"})
_LEASE_LOST = "ShutdownException"
_BACKOFF = Backoff(base_s=0.2, cap_s=10.0)


class DaemonCheckpointer:
    """Implements `port.Checkpointer` on the shard's pipes.

    Each checkpoint is one conditional DynamoDB write, which the daemon answers only after it. Throttling and an unreachable
    DynamoDB are retried for ever: the lease may be lost meanwhile, and then the daemon says so.
    """

    def __init__(
        self, pipe: DaemonPipe, heartbeat: Heartbeat, metrics: Metrics, draw: Callable[[], float] = random.random
    ) -> None:
        self._pipe, self._heartbeat, self._metrics, self._draw = pipe, heartbeat, metrics, draw
        self._delivered: Position | None = None
        self._waiting_since_s: float | None = None

    def delivered(self, last: Position) -> None:
        """Take note that records up to `last` are to be checkpointed sooner or later."""
        self._delivered = last
        if self._waiting_since_s is None:
            self._waiting_since_s = time.monotonic()

    def age_s(self) -> float:
        """Return how long the oldest record has waited for its checkpoint; where one is left behind by it, since that checkpoint."""
        return 0.0 if self._waiting_since_s is None else time.monotonic() - self._waiting_since_s

    def forget(self) -> None:
        """Nothing waits any more: another worker owns the shard."""
        self._waiting_since_s = None

    def checkpoint(self, position: Position) -> None:
        """See `port.Checkpointer`."""
        self._until_done(position)
        is_last = self._delivered is None or position >= self._delivered
        self._waiting_since_s = None if is_last else time.monotonic()
        self._heartbeat.beat(checkpoint=f"{position.sequence_number}/{position.sub_sequence}")

    def checkpoint_shard_end(self) -> None:
        """See `port.Checkpointer`."""
        self._until_done(None)
        self.forget()
        self._heartbeat.beat(checkpoint="SHARD_END")

    def _until_done(self, position: Position | None) -> None:
        attempt = 0
        while (error := self._ask(position)) is not None:
            _raise_unless_retried(error)
            self._metrics.count("SinkRetries", of="checkpoint")
            _log.warning("checkpoint_retried", error=error, attempt=attempt)
            self._pipe.pause(_BACKOFF.wait_s(attempt, self._draw()))
            attempt += 1

    def _ask(self, position: Position | None) -> str | None:
        """Return the plain class name of the daemon's error, or None for success."""
        self._pipe.write(encode_checkpoint(position))
        line = self._pipe.read_line()
        if line is None:
            raise DaemonGone
        reply = decode_message(line)
        _require_answer(reply, position)
        return reply.error.rpartition(".")[2] if isinstance(reply, CheckpointReply) and reply.error else None


def _require_answer(reply: object, position: Position | None) -> None:
    asked = None if position is None else str(position.sequence_number)
    if not isinstance(reply, CheckpointReply):
        raise ProtocolError(f"expected the answer to a checkpoint, got {type(reply).__name__}")
    if reply.sequence_number != asked:
        raise ProtocolError(f"asked to checkpoint {asked or 'the shard end'}, got the answer for another position")


def _raise_unless_retried(error: str) -> None:
    if error == _LEASE_LOST:
        raise LeaseLost
    if error not in _RETRIED:
        raise PermanentSinkError(
            f"the daemon refuses the checkpoint: {error}; compare the position with what was delivered, and the lease table "
            "with the application's name",
            error=error,
        )
