"""What an audit compares: everything published and every effect, as values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from consumer.scoring.policy import Policy
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision
from schemas.position import Position, ShardId, StreamEpoch, StreamPosition, StreamRecord
from sinks.port import Refusal

ShardEnd = Literal["SHARD_END"]
Checkpoints = Mapping[ShardId, Position | ShardEnd]
"""Per shard the last checkpointed position; a shard that is missing has none."""
AlertState = Literal["sent", "waiting", "kept", "tried"]
"""`kept`: refused by the topic, too old or suppressed; it never left. `tried`: kept after a try whose answer is not known: it may
have arrived all the same."""


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

    It was read while the system ran, in this order: `checkpoints`, `published`, then of the ledger `decisions`, `refusals`, `replayed`,
    `resolved` and `outbox`, which show one moment, then the rest. `places.py` says what follows from that.
    """

    epoch: StreamEpoch
    published: Sequence[StreamRecord]
    checkpoints: Checkpoints
    decisions: Sequence[Decision]
    refusals: Mapping[StreamPosition, Refusal]
    lake: Sequence[LakeRow]
    outbox: Sequence[OutboxEntry]
    received: Sequence[Mapping[str, Any]] | None
    """Messages in the order received, of any epoch and kind; None where no queue is configured."""
    dead_letters: Mapping[StreamPosition, DeadLetter]
    replayed: Collection[StreamPosition] = frozenset()
    """The refused positions at which a replay wrote a decision."""
    resolved: Collection[StreamPosition] = frozenset()
    """The refused positions whose replay has ended."""
    policies: Mapping[str, Policy] = field(default_factory=dict)
    """By version; of decisions under other versions it is not known which should have alerted."""
    shards: frozenset[ShardId] = frozenset()
    """The shards that the stream had when it was read, those without a record too."""
    decided_elsewhere: Sequence[Decision] = ()
    """Decisions of other epochs about events that this epoch holds without a verdict."""
    damaged: Sequence[str] = ()
    """Keys of chunks and dead letters of this epoch that cannot be read, or do not stand where they say."""
    foreign: Sequence[str] = ()
    """Keys among them that are neither."""
    consumer_version: str | None = None
    """Verdicts of other versions are not decoded again; None: all are."""
    starts_at_latest: bool = False
    """Whether a new application began at the end of the stream, so that what came before its start has no effects."""
    reads_from: datetime | None = None
    """The arrival that a new application began at: what came before it has no effects."""

    def is_replayed(self, position: StreamPosition) -> bool:
        """Whether the refusal of `position` is not its last verdict: a replay has begun or ended."""
        return position in self.replayed or position in self.resolved

    def should_alert(self, row: Decision) -> bool | None:
        """Whether the row's policy alerts on it; None where the policy is not known."""
        policy = self.policies.get(row.policy_version)
        return None if policy is None else policy.judge(row.score, row).alerts

    def is_checkpointed(self, position: StreamPosition) -> bool:
        """Whether the shard's checkpoint covers `position`: then every effect must stand."""
        return is_covered(self.checkpoints, position)


def is_covered(checkpoints: Checkpoints, position: StreamPosition) -> bool:
    """Whether the checkpoint of the position's shard has passed it."""
    checkpoint = checkpoints.get(position.shard_id)
    if checkpoint is None:
        return False
    return checkpoint == "SHARD_END" or position.within_shard <= checkpoint


def name_of(position: StreamPosition) -> str:
    """Return the position as findings name it."""
    sub = f".{position.sub_sequence}" if position.sub_sequence else ""
    return f"{position.shard_id} {position.sequence_number}{sub}"
