"""A chunk on its way to the lake while records go on being appended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event
from typing import Any, Generic, TypeVar

import pytest

from sinks.errors import TransientSinkError
from sinks.lake.background import BackgroundThread, Pending
from sinks.lake.chunks import CutPolicy
from sinks.lake.memory import MemoryLake
from tests.unit.test_lake_appender import Shard, ranges, record, records

T = TypeVar("T")


class Beside:
    """A background that makes a call when it is told to."""

    def __init__(self) -> None:
        self.started: list[Future[Any]] = []
        self._calls: list[Callable[[], Any]] = []

    def __call__(self, call: Callable[[], T], /) -> Pending[T]:
        future: Future[Any] = Future()
        self.started.append(future)
        self._calls.append(call)
        return _Waiting(future, self.make)

    def make(self) -> None:
        """Make the calls that wait."""
        for future, call in zip(self.started[-len(self._calls) :], self._calls, strict=False):
            try:
                future.set_result(call())
            except TransientSinkError as error:
                future.set_exception(error)
        self._calls.clear()


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    future: Future[Any]
    make: Callable[[], None]

    def is_done(self) -> bool:
        return self.future.done()

    def result(self) -> T:
        self.make()
        found: T = self.future.result()
        return found


def test_records_go_on_while_a_chunk_is_on_its_way_and_the_checkpoint_waits_for_it() -> None:
    lake, beside = MemoryLake(), Beside()
    shard = Shard(lake, CutPolicy(max_age_s=10), beside)
    shard.appender.append(records(1, 3))
    shard.now_s = 10.0
    shard.appender.tick()
    shard.appender.append(records(4, 5))
    assert (ranges(lake), shard.checkpoints) == ([], [])
    beside.make()
    assert (ranges(lake), shard.checkpoints) == ([(1, 3)], [])
    shard.appender.tick()
    assert shard.checkpoints == [3]


def test_never_more_than_one_chunk_is_on_its_way() -> None:
    lake, beside = MemoryLake(), Beside()
    shard = Shard(lake, CutPolicy(max_rows=2), beside)
    shard.appender.append(records(1, 5))
    assert (len(beside.started), ranges(lake), shard.checkpoints) == (2, [(1, 2)], [2])


def test_a_flush_waits_for_the_chunk_that_is_on_its_way() -> None:
    lake = MemoryLake()
    shard = Shard(lake, CutPolicy(max_rows=2), Beside())
    shard.appender.append(records(1, 3))
    shard.appender.flush()
    assert (ranges(lake), shard.checkpoints) == ([(1, 2), (3, 3)], [2, 3])
    shard.appender.append(records(4, 5))  # would find a chunk on its way that stands already
    shard.appender.flush()
    assert (ranges(lake), shard.checkpoints) == ([(1, 2), (3, 3), (4, 5)], [2, 3, 5])


def test_a_chunk_that_did_not_arrive_is_stored_again_as_it_was() -> None:
    lake, beside = MemoryLake(), Beside()
    shard = Shard(lake, CutPolicy(max_rows=2), beside)
    shard.appender.append(records(1, 2))
    lake.fail_next("before", "after")
    beside.make()
    shard.appender.tick()
    assert (ranges(lake), shard.checkpoints, shard.appender.adopted) == ([(1, 2)], [2], 0)


def test_a_day_that_ends_while_a_chunk_is_on_its_way_waits_for_it() -> None:
    lake = MemoryLake()
    shard = Shard(lake, CutPolicy(max_rows=2), Beside())
    shard.appender.append([record(1), record(2), record(3, days=1)])
    assert (ranges(lake), shard.checkpoints) == ([(1, 2)], [2])


def test_who_waits_for_the_thread_says_so_while_it_waits() -> None:
    told = Event()

    def wait_until_told() -> str:
        return "told" if told.wait(30) else "never told"

    pending = BackgroundThread(told.set)(wait_until_told)
    assert not pending.is_done()
    assert pending.result() == "told"


def test_what_the_thread_raises_is_raised_where_its_result_is_asked_for() -> None:
    def fail() -> None:
        raise TimeoutError("the call's own")

    pending = BackgroundThread(lambda: None)(fail)
    with pytest.raises(TimeoutError, match="own"):
        pending.result()
    assert pending.is_done()
