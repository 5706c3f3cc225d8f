"""The appender on short schedules: those that the rules were made for, and the one that no rule covers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count, pairwise
from typing import TypeVar

import pytest

from schemas.position import Position, StreamPosition
from sinks.errors import LeaseLost, TransientSinkError
from sinks.lake.appender import LakeAppender
from sinks.lake.background import Background, at_once
from sinks.lake.chunks import ChunkChain, Consumed, CutPolicy
from sinks.lake.keys import parse_chunk_key
from sinks.lake.memory import MemoryLake
from tests.property.chain_stream import EPOCH, SHARD, START, a_decision

T = TypeVar("T")
_ids = count()


def record(number: int, *, days: int = 0) -> Consumed:
    position = StreamPosition(EPOCH, SHARD, number)
    arrival_time = START + timedelta(days=days)
    return Consumed(position, arrival_time, a_decision(position, f"tx-{number}", arrival_time))


def records(first: int, end: int) -> list[Consumed]:
    return [record(number) for number in range(first, end + 1)]


def until_it_works(call: Callable[[], T], /) -> T:
    while True:
        try:
            return call()
        except TransientSinkError:
            continue


class Shard:
    """A worker's appender with the checkpoints it wrote and a clock to move."""

    def __init__(self, lake: MemoryLake, policy: CutPolicy | None = None, background: Background = at_once) -> None:
        self.checkpoints: list[int] = []
        self.now_s, self.is_lease_lost = 0.0, False
        self.appender = LakeAppender(
            ChunkChain(EPOCH, SHARD, policy),
            lake,
            retry=until_it_works,
            new_chunk_id=lambda: f"chunk-{next(_ids)}",
            clock=lambda: self.now_s,
            checkpoint=self._checkpoint,
            background=background,
        )

    def _checkpoint(self, position: Position) -> None:
        if self.is_lease_lost:
            raise LeaseLost
        self.checkpoints.append(position.sequence_number)


def ranges(lake: MemoryLake) -> list[tuple[int, int]]:
    return sorted(
        (parse_chunk_key(key).first.sequence_number, chunk.footer.end.sequence_number)
        for key, chunk in lake.objects.items()
    )


def test_what_is_buffered_is_neither_stored_nor_checkpointed_until_it_is_due() -> None:
    lake = MemoryLake()
    shard = Shard(lake)
    shard.appender.append(records(1, 5))
    shard.appender.tick()
    assert (ranges(lake), shard.checkpoints) == ([], [])
    shard.now_s = 60.0
    shard.appender.tick()
    assert (ranges(lake), shard.checkpoints) == ([(1, 5)], [5])


def test_an_empty_batch_is_only_a_tick() -> None:
    shard = Shard(MemoryLake())
    shard.appender.append([])
    shard.appender.flush()
    assert shard.checkpoints == []


def test_a_full_chunk_closes_in_the_middle_of_a_batch() -> None:
    lake = MemoryLake()
    shard = Shard(lake, CutPolicy(max_rows=2))
    shard.appender.append(records(1, 5))
    assert (ranges(lake), shard.checkpoints) == ([(1, 2), (3, 4)], [2, 4])


def test_a_chunk_holds_one_arrival_day() -> None:
    lake = MemoryLake()
    shard = Shard(lake)
    shard.appender.append([record(1), record(2, days=1), record(3), record(4)])
    shard.appender.flush()
    assert (ranges(lake), shard.checkpoints) == ([(1, 1), (2, 2), (3, 4)], [1, 2, 4])


def test_a_later_batch_that_spans_midnight_becomes_two_chunks() -> None:
    lake = MemoryLake()
    shard = Shard(lake)
    shard.appender.append(records(1, 2))
    shard.appender.append([record(3), record(4, days=1)])
    shard.appender.flush()
    assert (ranges(lake), shard.checkpoints) == ([(1, 3), (4, 4)], [3, 4])


def test_a_stretch_without_rows_is_checkpointed_with_its_object_and_never_without() -> None:
    lake = MemoryLake()
    shard = Shard(lake)
    shard.appender.append([record(1)._replace(row=None), record(2)._replace(row=None)])
    shard.appender.flush()
    assert (ranges(lake), shard.checkpoints) == ([(1, 2)], [2])


def test_records_without_rows_before_the_first_row_belong_to_its_chunk() -> None:
    lake = MemoryLake()
    shard = Shard(lake)
    shard.appender.append([record(1)._replace(row=None), record(2)._replace(row=None), record(3)])
    shard.appender.flush()
    assert (ranges(lake), shard.checkpoints) == ([(1, 3)], [3])


def test_a_put_is_retried_with_the_same_chunk() -> None:
    lake = MemoryLake()
    lake.fail_next("before", "after")
    shard = Shard(lake)
    shard.appender.append(records(1, 5))
    shard.appender.flush()
    assert (ranges(lake), shard.checkpoints, shard.appender.adopted) == ([(1, 5)], [5], 0)


def test_a_lost_lease_passes_through_after_the_put() -> None:
    lake = MemoryLake()
    shard = Shard(lake)
    shard.is_lease_lost = True
    shard.appender.append(records(1, 5))
    with pytest.raises(LeaseLost):
        shard.appender.flush()
    assert ranges(lake) == [(1, 5)]


def test_a_zombies_shorter_chunk_is_adopted_and_the_rest_follows_it() -> None:
    lake = MemoryLake()
    zombie, owner = Shard(lake), Shard(lake)
    zombie.appender.append(records(1, 3))
    owner.appender.append(records(1, 5))
    zombie.appender.flush()
    owner.appender.flush()
    assert (ranges(lake), owner.checkpoints, owner.appender.adopted) == ([(1, 3), (4, 5)], [3, 5], 1)


def test_a_zombies_longer_chunk_is_skipped_and_checkpointed_when_its_end_is_delivered() -> None:
    lake = MemoryLake()
    zombie, owner = Shard(lake), Shard(lake)
    zombie.appender.append(records(1, 9))
    owner.appender.append(records(1, 5))
    zombie.appender.flush()
    owner.appender.flush()
    assert owner.checkpoints == []
    owner.appender.append(records(6, 8))
    assert owner.checkpoints == []
    owner.appender.append(records(9, 12))
    owner.appender.flush()
    assert (ranges(lake), owner.checkpoints) == ([(1, 9), (10, 12)], [9, 12])


def test_what_stands_at_the_first_record_is_known_before_any_work_is_done() -> None:
    lake = MemoryLake()
    before, after = Shard(lake), Shard(lake)
    before.appender.append(records(1, 9))
    before.appender.flush()
    after.appender.start_at(record(4))
    assert after.appender.skips(record(9).position)
    assert not after.appender.skips(record(10).position)
    after.appender.start_at(record(5))
    after.appender.append(records(4, 9))
    assert after.checkpoints == [9]


def test_an_older_chain_ahead_is_joined_and_never_overlapped() -> None:
    lake = MemoryLake()
    older, newer = Shard(lake), Shard(lake)
    older.appender.append(records(6, 8))
    older.appender.flush()
    newer.appender.append(records(1, 12))
    newer.appender.flush()
    assert (ranges(lake), newer.checkpoints) == ([(1, 5), (6, 8), (9, 12)], [5, 8, 12])


def test_an_older_chain_ahead_is_joined_in_a_later_batch_too() -> None:
    lake = MemoryLake()
    older, newer = Shard(lake), Shard(lake)
    older.appender.append(records(6, 8))
    older.appender.flush()
    newer.appender.append(records(1, 2))
    newer.appender.append(records(3, 12))
    newer.appender.flush()
    assert (ranges(lake), newer.checkpoints) == ([(1, 5), (6, 8), (9, 12)], [5, 8, 12])


def test_an_older_chain_ahead_is_known_also_to_who_begins_at_a_checkpoint() -> None:
    lake = MemoryLake()
    older, newer, restarted = Shard(lake), Shard(lake), Shard(lake)
    older.appender.append(records(6, 8))
    older.appender.flush()
    newer.appender.append(records(1, 2))
    newer.appender.flush()
    restarted.appender.append(records(3, 9))
    restarted.appender.flush()
    assert ranges(lake) == [(1, 2), (3, 5), (6, 8), (9, 9)]


def test_records_trimmed_beyond_the_checkpoint_do_not_start_a_chain_inside_an_object() -> None:
    lake = MemoryLake()
    crashed, restarted = Shard(lake), Shard(lake)
    crashed.is_lease_lost = True
    crashed.appender.append(records(1, 9))
    with pytest.raises(LeaseLost):
        crashed.appender.flush()
    restarted.appender.append(records(4, 12))
    restarted.appender.flush()
    assert (ranges(lake), restarted.checkpoints) == ([(1, 9), (10, 12)], [9, 12])


def test_known_limit_a_start_off_the_chain_overlaps_what_an_older_worker_has_yet_to_put() -> None:
    """The newcomer never sees the key that would have to be guarded; so such a start waits until older workers have ended."""
    lake = MemoryLake()
    older, newcomer = Shard(lake), Shard(lake)
    older.appender.append(records(1, 9))
    newcomer.appender.append(records(5, 12))
    newcomer.appender.flush()
    older.appender.flush()
    assert [end >= following for (_, end), (following, _) in pairwise(ranges(lake))] == [True]
