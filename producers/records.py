"""What publishers speak of: a record on its way out, the place Kinesis gave it, and a pause in the source."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, NamedTuple


class OutgoingRecord(NamedTuple):
    """Bytes to publish, as they are, and the key that chooses the shard (1 to 256 characters).

    `hash_key`, 0 to 2^128 - 1, chooses the shard in its place; None: the MD5 of the key does.
    """

    data: bytes
    partition_key: str
    hash_key: int | None = None

    @property
    def size_bytes(self) -> int:
        """What Kinesis counts against its limits: the data plus the key in UTF-8."""
        return len(self.data) + len(self.partition_key.encode())


class PlacedRecord(NamedTuple):
    """Where Kinesis stored a record. `sub_sequence`: its place inside an aggregate, from 0, as KCL counts."""

    shard_id: str
    sequence_number: str
    sub_sequence: int = 0


class Pause(Enum):
    """Says that the source has nothing more at the moment: what was collected so far should be sent now."""

    NOW = "now"


PAUSE: Final[Literal[Pause.NOW]] = Pause.NOW
