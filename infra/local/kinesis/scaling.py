"""UNIFORM_SCALING: the splits and merges, as callers could make them, after which a stream's shards are of one size."""

from infra.local.kinesis.shard import MAX_HASH_KEY, Shard
from infra.local.kinesis.stream import Stream

_ROUNDING = 1 << 64
"""Two borders as near as this are the same: dividing the keys by 3 and by 6 rounds differently. A shard has over 2^113 keys."""


def scale_evenly(stream: Stream, count: int, now_ms: int) -> None:
    """Split at every border that the new shards need, then merge what lies between two of them.

    A shard that has its place already stays open. Where a border moves, the parts beside it live for this moment only:
    they are listed, closed and empty, between their parent and their child, as AWS's short-lived shards are.
    """
    borders = [_settled(stream, index * ((MAX_HASH_KEY + 1) // count)) for index in range(1, count)]
    for border in borders:
        owner = _owner(stream, border)
        if owner.hash_keys.first != border:
            stream.split(owner.shard_id, border, now_ms)
    for first, end in zip([0, *borders], [*borders, MAX_HASH_KEY + 1], strict=True):
        _merge_between(stream, first, end, now_ms)


def _settled(stream: Stream, border: int) -> int:
    """Give the border that is there already, if there is one next to where it ought to be."""
    firsts = (shard.hash_keys.first for shard in stream.open_shards)
    return next((first for first in firsts if abs(first - border) < _ROUNDING), border)


def _owner(stream: Stream, hash_key: int) -> Shard:
    return next(shard for shard in stream.open_shards if shard.hash_keys.first <= hash_key <= shard.hash_keys.last)


def _merge_between(stream: Stream, first: int, end: int, now_ms: int) -> None:
    while (lower := _owner(stream, first)).hash_keys.last + 1 < end:
        upper = _owner(stream, lower.hash_keys.last + 1)
        stream.merge(lower.shard_id, upper.shard_id, now_ms)
