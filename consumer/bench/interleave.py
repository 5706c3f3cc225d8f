"""Contestants take turns, round by round: whatever else slows the machine down slows all of them, and ratios stay true."""

from collections.abc import Callable, Mapping
from random import Random
from typing import TypeVar

from consumer.bench.result import Sample

T = TypeVar("T")


def interleaved(
    contestants: Mapping[str, Callable[[], T]], rounds: int, seed: int, say: Callable[[str], None]
) -> dict[str, tuple[T, ...]]:
    """Call every contestant once a round, in an order drawn anew for each, and return what they gave, a value a round.

    The answer keeps the order of `contestants`. What a contestant raises passes through. `rounds` is at least 1.
    """
    if rounds < 1:
        raise ValueError(f"at least one round is needed, not {rounds}")
    draw = Random(seed)
    given: dict[str, list[T]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        for name in draw.sample(list(contestants), len(contestants)):
            given[name].append(contestants[name]())
    return {name: tuple(values) for name, values in given.items()}


def ratios(ours: Sample, theirs: Sample) -> Sample:
    """Return how many times `theirs` is `ours`, round by round. Raises ValueError where they had not the same rounds."""
    return Sample(tuple(their / our for our, their in zip(ours.values, theirs.values, strict=True)))
