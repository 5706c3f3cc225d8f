"""A feature set: named blocks of columns in a fixed order. Apart from the features themselves, which later sets add to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from schemas.transaction import Transaction

Matrix: TypeAlias = npt.NDArray[np.float32]
"""Float32 in C order, a row per transaction and a column per feature; NaN stands for a missing value."""


class Block(NamedTuple):
    """A few columns that are computed together: `fill(transactions, out)` writes every cell of `out`, shape [N, len(names)]."""

    names: tuple[str, ...]
    fill: Callable[[Sequence[Transaction], Matrix], None]


@dataclass(frozen=True)
class FeatureSet:
    """An ordered list of features under one name.

    The name stands on every decision. A change of any value, name or place therefore needs a new name: golden events in the
    bundles find those who forget.
    """

    name: str
    blocks: tuple[Block, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the order of the columns."""
        return tuple(name for block in self.blocks for name in block.names)

    def compute(self, transactions: Sequence[Transaction]) -> Matrix:
        """Return the features, shape [N, F], in the order of `transactions` and `names`.

        A row depends on its own transaction only, bit for bit: not on its neighbours, the batch's size, the CPU or the clock.
        """
        out: Matrix = np.empty((len(transactions), len(self.names)), np.float32)
        start = 0
        for block in self.blocks:
            end = start + len(block.names)
            block.fill(transactions, out[:, start:end])
            start = end
        return out
