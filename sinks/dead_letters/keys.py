"""Names of dead letters: a pure function of the refused record, so that a letter is written once."""

from __future__ import annotations

from datetime import UTC, date

from schemas.dead_letter import DeadLetter
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.lake.keys import position_name

DEAD_LETTERS_PREFIX = "dead-letters/v1/"


def day_prefix(arrival_day: date) -> str:
    """Return what the keys of all letters begin with whose records arrived on that UTC day."""
    return f"{DEAD_LETTERS_PREFIX}dt={arrival_day.isoformat()}/"


def dead_letter_key(letter: DeadLetter) -> str:
    """Return the key of the letter: UTC day of arrival, stream epoch, shard, position."""
    epoch, shard_id = StreamEpoch(letter.stream_epoch), ShardId(letter.shard_id)
    position = StreamPosition(epoch, shard_id, int(letter.sequence_number), letter.sub_sequence)
    arrival_day = letter.arrival_time.astimezone(UTC).date()
    return f"{day_prefix(arrival_day)}{epoch}/{shard_id}/{position_name(position)}.json"
