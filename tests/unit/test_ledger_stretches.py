"""Stretches hold every place asked for, and sort as text as they do as numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.ledger.stretches import Stretch, stretches

EPOCH = StreamEpoch("20260801T000000Z")
numbers = st.integers(0, 10**4) | st.integers(0, 10**60)
places = st.builds(
    StreamPosition,
    stream_epoch=st.sampled_from([EPOCH, StreamEpoch("20260802T000000Z")]),
    shard_id=st.sampled_from([ShardId("shardId-000000000000"), ShardId("shardId-000000000001")]),
    sequence_number=numbers,
    sub_sequence=st.integers(0, 3),
)


def holds(stretch: Stretch, place: StreamPosition) -> bool:
    """As the database compares: texts by their bytes."""
    is_of_shard = (stretch.stream_epoch, stretch.shard_id) == (place.stream_epoch, place.shard_id)
    return is_of_shard and stretch.first <= str(place.sequence_number) <= stretch.last


@given(st.lists(places))
def test_every_place_is_in_a_stretch(asked: list[StreamPosition]) -> None:
    found = list(stretches(asked))

    assert all(any(holds(stretch, place) for stretch in found) for place in asked)


@given(st.lists(places))
def test_a_stretch_has_numbers_of_equal_length_within_those_asked_for(asked: list[StreamPosition]) -> None:
    for stretch in stretches(asked):
        own = [
            p.sequence_number for p in asked if (p.stream_epoch, p.shard_id) == (stretch.stream_epoch, stretch.shard_id)
        ]
        assert len(stretch.first) == len(stretch.last)
        assert min(own) <= int(stretch.first) <= int(stretch.last) <= max(own)


def test_a_batch_of_one_shard_is_one_stretch() -> None:
    asked = [StreamPosition(EPOCH, ShardId("shardId-000000000003"), number) for number in (12, 99, 10)]

    assert list(stretches(asked)) == [Stretch(EPOCH, ShardId("shardId-000000000003"), "10", "99")]
