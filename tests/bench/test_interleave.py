from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from consumer.bench.interleave import interleaved, ratios
from consumer.bench.result import Sample

NAMES = ("a", "b", "c", "d")


def _played(seed: int, rounds: int = 6) -> list[str]:
    played: list[str] = []
    contestants: dict[str, Callable[[], None]] = {name: partial(played.append, name) for name in NAMES}
    interleaved(contestants, rounds, seed, lambda _: None)
    return played


def _rounds(played: list[str]) -> list[tuple[str, ...]]:
    return [tuple(played[first : first + len(NAMES)]) for first in range(0, len(played), len(NAMES))]


def test_each_round_has_every_contestant_once() -> None:
    assert [sorted(each) for each in _rounds(_played(seed=1))] == [list(NAMES)] * 6


def test_the_order_changes_from_round_to_round_so_that_nobody_is_always_first() -> None:
    assert len({each[0] for each in _rounds(_played(seed=1))}) > 1


def test_the_same_seed_gives_the_same_order_and_another_one_does_not() -> None:
    assert _played(seed=1) == _played(seed=1) != _played(seed=2)


def test_what_they_gave_comes_back_by_contestant_and_round() -> None:
    drawn = {name: iter(range(start, 100)) for name, start in (("slow", 10), ("quick", 20))}
    contestants = {name: partial(next, values) for name, values in drawn.items()}
    found = interleaved(contestants, 3, 1, lambda _: None)
    assert list(found.items()) == [("slow", (10, 11, 12)), ("quick", (20, 21, 22))]


def test_each_round_is_told() -> None:
    told: list[str] = []
    interleaved({"a": lambda: None}, 2, 1, told.append)
    assert told == ["round 1 of 2", "round 2 of 2"]


def test_no_round_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        interleaved({"a": lambda: None}, 0, 1, lambda _: None)


def test_ratios_are_taken_within_each_round() -> None:
    assert ratios(Sample((2.0, 4.0)), Sample((20.0, 20.0))) == Sample((10.0, 5.0))


def test_ratios_of_different_numbers_of_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios(Sample((2.0, 4.0)), Sample((20.0,)))
