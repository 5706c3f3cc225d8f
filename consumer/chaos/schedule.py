"""Which faults strike, in which order and with which parameters: pure, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from random import Random

from consumer.chaos.fault import Fault


def draw(seed: int, kinds: Sequence[type[Fault]], budget_s: float | None = None) -> list[Fault]:
    """Return faults in rounds: every kind once, in an order drawn anew, before any kind comes again.

    Without `budget_s` exactly one round; with it as many faults as usually fit into so many seconds, one at least.
    """
    faults = _rounds(seed, sorted(kinds, key=lambda kind: kind.kind()))
    if budget_s is None:
        return list(islice(faults, len(kinds)))
    return list(_within(faults, budget_s))


def _rounds(seed: int, kinds: list[type[Fault]]) -> Iterator[Fault]:
    for number in count():
        chance = Random(f"chaos {seed} {number}")
        for kind in chance.sample(kinds, len(kinds)):
            yield kind.drawn(chance)


def _within(faults: Iterator[Fault], budget_s: float) -> Iterator[Fault]:
    spent_s = 0.0
    for number, fault in enumerate(faults):
        spent_s += fault.usual_s
        if number and spent_s > budget_s:
            return
        yield fault
