"""Reads a stream epoch's dead letters. Apart from the adapter, which knows nothing of what does not belong there."""

from __future__ import annotations

from dataclasses import dataclass, field

from consumer.auditing.objects import Bucket
from schemas.dead_letter import DeadLetter
from schemas.position import StreamEpoch, StreamPosition
from sinks.dead_letters.documents import letter_in
from sinks.dead_letters.keys import DEAD_LETTERS_PREFIX
from sinks.errors import DamagedLetterError


@dataclass(slots=True)
class DeadLetterContents:
    """The letters, the keys of those that cannot be read or stand under another key than theirs, and the keys that are no letter's."""

    letters: dict[StreamPosition, DeadLetter] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def read_dead_letters(bucket: Bucket, epoch: StreamEpoch) -> DeadLetterContents:
    """Return what the bucket holds of the epoch."""
    contents = DeadLetterContents()
    for key in bucket.keys(DEAD_LETTERS_PREFIX):
        if not key.endswith(".json"):
            contents.foreign.append(key)
        elif f"/{epoch}/" in key:
            _take(key, bucket.body(key), contents)
    return contents


def _take(key: str, body: bytes, contents: DeadLetterContents) -> None:
    try:
        letter = letter_in(body, key)
    except DamagedLetterError:
        contents.damaged.append(key)
    else:
        contents.letters[letter.position] = letter
