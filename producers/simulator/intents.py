"""What somebody is about to do. Fraud and look-alikes override a few fields of an ordinary purchase, no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from producers.simulator.rhythm import Ints
from producers.simulator.shops import USUAL

ANY, ELSEWHERE = -1, -2
"""Merchants: one that the customer would choose; one that is no favourite."""
HERE, OWN = -1, -1
"""Place and device as the customer's life has them."""


class Intent(NamedTuple):
    """A purchase to be: when (milliseconds since 1970), who, which story it belongs to (0: none), and what is out of the ordinary.

    `device` is the number of a device that is not the customer's own, `way` one of shops.USUAL, REMOTE and AT_COUNTER; `log_factor`
    adds to the logarithm of the amount.
    """

    ms: int
    customer: int
    story: int = 0
    merchant: int = ANY
    place: int = HERE
    device: int = OWN
    way: int = USUAL
    log_factor: float = 0.0


class Intents(NamedTuple):
    """Many of them as columns, in order of time."""

    ms: Ints
    customer: Ints
    story: Ints
    merchant: Ints
    place: Ints
    device: Ints
    way: Ints
    log_factor: np.typing.NDArray[np.float64]


def ordinary(ms: Ints, customers: Ints) -> Intents:
    """Return purchases with nothing out of the ordinary."""
    count = len(ms)
    zeros, usual = np.zeros(count, np.int64), np.full(count, -1, np.int64)
    return Intents(ms, customers, zeros, usual, usual, usual, zeros, np.zeros(count))


def merge(base: Intents, extra: Sequence[Intent]) -> Intents:
    """Return both in order of time; of equal moments `base` comes first."""
    if not extra:
        return base
    more = [np.array(values) for values in zip(*extra, strict=True)]
    columns = [np.concatenate(both) for both in zip(base, more, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Intents(*(column[order] for column in columns))
