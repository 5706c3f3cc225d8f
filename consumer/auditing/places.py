"""Where an effect stands against what was read of the stream, so that nothing in flight is judged and nothing else is spared. Pure.

What is checkpointed had all its effects before anything was read. Everything else may have got its verdict after the ledger's one
moment: then lake, dead letters and alerts, which are read later, show effects that the ledger seems not to know.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from consumer.auditing.evidence import Evidence
from schemas.position import ShardId, StreamPosition

Place = Literal["read", "trimmed", "beyond", "nowhere"]
"""`read`: the record was read. `trimmed`: before what the stream still holds.
`beyond`: after the last record read of its shard, so not judged. `nowhere`: the stream has no such record."""


class Places:
    """Knows what was read of each shard, and which positions have a verdict."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._verdicts = {*(row.position for row in evidence.decisions), *evidence.refusals}
        self._user_records: Counter[tuple[ShardId, int]] = Counter()
        self._spans: dict[ShardId, tuple[int, int]] = {}
        for record in evidence.published:
            shard_id, number = record.position.shard_id, record.position.sequence_number
            first, last = self._spans.get(shard_id, (number, number))
            self._spans[shard_id] = min(first, number), max(last, number)
            self._user_records[shard_id, number] += 1

    def of(self, position: StreamPosition) -> Place:
        """Return where `position` stands."""
        if position.stream_epoch != self._evidence.epoch:
            return "nowhere"
        user_records = self._user_records[position.shard_id, position.sequence_number]
        if not user_records:
            return self._of_unread(position)
        return "read" if 0 <= position.sub_sequence < user_records else "nowhere"

    def may_be_in_flight(self, position: StreamPosition) -> bool:
        """Whether `position` may have got its verdict after the ledger's moment."""
        if position in self._verdicts or self._evidence.is_checkpointed(position):
            return False
        return self.of(position) in {"read", "beyond"}

    def _of_unread(self, position: StreamPosition) -> Place:
        span, is_checkpointed = self._spans.get(position.shard_id), self._evidence.is_checkpointed(position)
        if span is None:
            return "trimmed" if is_checkpointed or self._has_expired(position.shard_id) else "beyond"
        if position.sequence_number < span[0]:
            return "trimmed"
        return "nowhere" if is_checkpointed or position.sequence_number < span[1] else "beyond"

    def _has_expired(self, shard_id: ShardId) -> bool:
        """Whether the stream no longer has the shard; one that a split made meanwhile has a later name than all."""
        shards = self._evidence.shards
        return shard_id not in shards and shard_id < max(shards, default="")
