from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import pytest

from producers.pacing import paced
from producers.records import PAUSE


class Hand:
    """A clock that moves when somebody sleeps, and by a fixed time for every item drawn."""

    def __init__(self, seconds_per_item: float = 0.0) -> None:
        self.now_s, self.slept, self.seconds_per_item = 50.0, 0, seconds_per_item

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += 1
        self.now_s += seconds

    def items(self) -> Iterator[float]:
        for _ in count():
            self.now_s += self.seconds_per_item
            yield self.now_s


def drawn_at(hand: Hand, per_second: float, number: int) -> list[float]:
    items = paced(hand.items(), per_second, clock=hand.clock, sleep=hand.sleep)
    return list(islice((item for item in items if item is not PAUSE), number))


def test_the_mean_rate_is_kept_and_no_item_comes_early() -> None:
    moments = drawn_at(Hand(), 500, 5_001)

    assert all(moment >= 50 + n / 500 for n, moment in enumerate(moments))
    assert moments[-1] == pytest.approx(60, abs=0.06)


def test_an_item_is_drawn_only_when_it_is_due() -> None:
    moments = drawn_at(Hand(), 1, 4)

    assert moments == pytest.approx([50, 51, 52, 53], abs=0.06)


def test_a_fast_rate_comes_in_bursts_so_that_requests_fill() -> None:
    hand = Hand()

    drawn_at(hand, 10_000, 10_000)

    assert hand.slept <= 20


def test_a_pause_stands_before_every_sleep() -> None:
    hand = Hand()
    items = paced(iter("abc"), 1, clock=hand.clock, sleep=hand.sleep)

    slept = [(item, hand.slept) for item in items]

    assert slept == [("a", 0), (PAUSE, 0), ("b", 1), (PAUSE, 1), ("c", 2), (PAUSE, 2)]


def test_a_source_that_is_too_slow_is_never_made_to_wait() -> None:
    hand = Hand(seconds_per_item=0.1)

    drawn_at(hand, 1_000, 50)

    assert hand.slept <= 1


@pytest.mark.parametrize("per_second", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_refused_before_anything_is_drawn(per_second: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        paced(iter("a"), per_second)
