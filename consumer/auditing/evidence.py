"""What an audit compares: everything published and every effect, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from uuid import UUID

from schemas.dead_letter import DeadLetter
from schemas.decision import Decision
from schemas.position import Position, ShardId, StreamEpoch, StreamPosition, StreamRecord
from sinks.port import Refusal

ShardEnd = Literal["SHARD_END"]
AlertState = Literal["sent", "waiting", "kept"]
"""`kept`: parked by the topic's refusal, too old or suppressed; it is not meant to arrive."""


class LakeRow(NamedTuple):
    """One row as Parquet holds it, and the object it was read from."""

    key: str
    values: Mapping[str, Any]


class OutboxEntry(NamedTuple):
    """One alert as the ledger holds it."""

    alert_id: UUID
    payload: Mapping[str, Any]
    state: AlertState


@dataclass(frozen=True, slots=True)
class Evidence:
    """One epoch of one stream and all its effects. `published` is in shard order; trimmed records are not in it.

    `checkpoints`: per shard the last checkpointed position; a shard that is missing has none. `received`: alert messages in the
    order received; None where no queue is configured. `alerting_policies`: policy versions whose high and critical decisions alert.
    """

    epoch: StreamEpoch
    published: Sequence[StreamRecord]
    checkpoints: Mapping[ShardId, Position | ShardEnd]
    decisions: Sequence[Decision]
    refusals: Mapping[StreamPosition, Refusal]
    lake: Sequence[LakeRow]
    outbox: Sequence[OutboxEntry]
    received: Sequence[Mapping[str, Any]] | None
    dead_letters: Mapping[StreamPosition, DeadLetter]
    alerting_policies: frozenset[str] = field(default_factory=frozenset)

    def is_checkpointed(self, position: StreamPosition) -> bool:
        """Whether the shard's checkpoint covers `position`: then every effect must stand."""
        checkpoint = self.checkpoints.get(position.shard_id)
        if checkpoint is None:
            return False
        return checkpoint == "SHARD_END" or position.within_shard <= checkpoint
