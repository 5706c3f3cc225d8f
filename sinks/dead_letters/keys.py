"""Names of dead letters: a pure function of the refused record, so that a letter is written once, and found again by its id."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from schemas.dead_letter import DeadLetter
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.lake.keys import position_name

DEAD_LETTERS_PREFIX = "dead-letters/v1/"
_ID = re.compile(r"(?:.*/)?([^/]+)/([^/]+)/(\d{1,128})-(\d{1,19})(?:\.json)?", re.ASCII | re.DOTALL)
_KEY = re.compile(rf"{DEAD_LETTERS_PREFIX}dt=\d{{4}}-\d\d-\d\d/[^/]+/[^/]+/\d+-\d+\.json", re.ASCII)


def letter_id(position: StreamPosition) -> str:
    """Return how people name the letter of the record at `position`: epoch/shard/sequence-sub."""
    epoch, shard_id, sequence_number, sub_sequence = position
    return f"{epoch}/{shard_id}/{sequence_number}-{sub_sequence}"


def parse_letter_id(text: str) -> StreamPosition:
    """Return the position that an id names, or the key or address of a letter's object; ValueError for all else."""
    match = _ID.fullmatch(text)
    if match is None:
        raise ValueError(f"not the id of a dead letter (epoch/shard/sequence-sub): {text}")
    epoch, shard_id, sequence_number, sub_sequence = match.groups()
    return StreamPosition(StreamEpoch(epoch), ShardId(shard_id), int(sequence_number), int(sub_sequence))


def day_prefix(arrival_day: date) -> str:
    """Return what the keys of all letters begin with whose records arrived on that UTC day."""
    return f"{DEAD_LETTERS_PREFIX}dt={arrival_day.isoformat()}/"


def letter_key(position: StreamPosition, arrival_time: datetime) -> str:
    """Return the key of the letter of the record at `position`: UTC day of arrival, stream epoch, shard, position."""
    day = day_prefix(arrival_time.astimezone(UTC).date())
    return f"{day}{position.stream_epoch}/{position.shard_id}/{position_name(position)}.json"


def dead_letter_key(letter: DeadLetter) -> str:
    """Return the key of the letter."""
    return letter_key(letter.position, letter.arrival_time)


def is_letter_key(key: str) -> bool:
    """Whether `key` is a letter's. Others may stand beside it, such as the empty object that marks a folder."""
    return _KEY.fullmatch(key) is not None
