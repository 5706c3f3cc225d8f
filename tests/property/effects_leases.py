"""An application's lease table, and what a consumer of it needs to know of the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from schemas.position import Position, ShardId, StreamRecord

if TYPE_CHECKING:
    from tests.property.effects_kcl import Consumer


class Violation(AssertionError):
    """What must never happen, happened."""


@dataclass
class Lease:
    """One shard in an application's lease table."""

    shard_id: ShardId
    start: int
    """Index of the first record that the application means to consume."""
    checkpoint: Position | Literal["SHARD_END"] | None = None
    owner: Consumer | None = None


class World(Protocol):
    """What a consumer needs to know of the world around it."""

    owed: set[StreamRecord]

    def shard(self, shard_id: ShardId) -> Sequence[StreamRecord]:
        """Return the shard's records."""
        ...

    def is_closed(self, shard_id: ShardId) -> bool:
        """Whether no more records come."""
        ...

    def begin(self, lease: Lease) -> int:
        """Return the index of the first record to deliver from the lease's checkpoint on."""
        ...

    def is_end_of_chunk(self, shard_id: ShardId, position: Position) -> bool:
        """Whether an object stands that ends there."""
        ...

    def fired(self, fault: str) -> None:
        """Count a fault that took effect."""
        ...
