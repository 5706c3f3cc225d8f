"""The worker's collector runs between batches and at no other time."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from consumer.kinesis.collector import Collector


class Cycle:
    """Garbage that only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def garbage() -> weakref.ref[Cycle]:
    return weakref.ref(Cycle())


def test_nothing_is_collected_inside_a_batch() -> None:
    Collector(0.0)
    dead = garbage()
    _ = [[] for _ in range(100_000)]  # would set an automatic collection off
    assert dead() is not None
    assert not gc.isenabled()


def test_young_garbage_goes_between_batches_every_two_seconds() -> None:
    collector = Collector(0.0)
    dead = garbage()
    collector.between_batches(1.9, is_idle=False)
    assert dead() is not None
    collector.between_batches(2.0, is_idle=False)
    assert dead() is None


def test_old_garbage_goes_in_a_pause_of_the_stream_or_at_last() -> None:
    collector = Collector(0.0)
    cycle = Cycle()
    dead = weakref.ref(cycle)
    for second in range(2, 12, 2):
        collector.between_batches(second, is_idle=False)  # it grows old
    del cycle
    collector.between_batches(59.0, is_idle=True)
    collector.between_batches(899.0, is_idle=False)
    assert dead() is not None
    collector.between_batches(900.0, is_idle=False)
    assert dead() is None


def test_a_pause_is_used_once_a_minute() -> None:
    collector = Collector(0.0)
    cycle = Cycle()
    dead = weakref.ref(cycle)
    for second in range(2, 12, 2):
        collector.between_batches(second, is_idle=True)
    del cycle
    collector.between_batches(60.0, is_idle=True)
    assert dead() is None
