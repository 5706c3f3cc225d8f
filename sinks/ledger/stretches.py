"""Stretches of a shard: ranges of sequence numbers that one probe of an index answers for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from schemas.position import ShardId, StreamEpoch

Place = tuple[StreamEpoch, ShardId, int, int]
"""A `schemas.position.StreamPosition`, or what is made faster."""


class Stretch(NamedTuple):
    """From one sequence number to another, both included. They have equally many digits, so that as text they sort as numbers."""

    stream_epoch: StreamEpoch
    shard_id: ShardId
    first: str
    last: str


def stretches(places: Collection[Place]) -> Iterator[Stretch]:
    """Yield stretches that hold all of these places, and whatever else lies between them: one a shard, unless digits differ."""
    if not places:
        return
    epochs, shard_ids, numbers, _ = zip(*places, strict=True)
    shards = set(zip(epochs, shard_ids, strict=True))
    for shard in sorted(shards):
        own = numbers if len(shards) == 1 else [place[2] for place in places if place[:2] == shard]
        for first, last in _of_equal_digits(min(own), max(own)):
            yield Stretch(*shard, str(first), str(last))


def _of_equal_digits(first: int, last: int) -> Iterator[tuple[int, int]]:
    while len(str(first)) < len(str(last)):
        longer = 10 ** len(str(first))
        yield first, longer - 1
        first = longer
    yield first, last
