"""A feature set: named blocks of columns in a fixed order. Apart from the features themselves, which later sets add to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.block import Block, Matrix, RecallBlock
from consumer.scoring.features.columns import Columns
from consumer.scoring.features.memory import Memory
from consumer.scoring.features.past import NoPast
from schemas.transaction import Transaction

_VERY_FEW = 4
"""Below so many rows a loop in Python costs less than numpy's calls."""


@dataclass(frozen=True)
class FeatureSet:
    """An ordered list of features under one name.

    The name stands on every decision. A change of any value, name or place therefore needs a new name: golden events in the
    bundles find those who forget.
    """

    name: str
    blocks: tuple[Block, ...]
    recall_blocks: tuple[RecallBlock, ...] = ()
    """Their columns come last; with any, a feature set needs a memory."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the order of the columns."""
        names = [block.names for block in self.blocks] + [block.names for block in self.recall_blocks]
        return tuple(name for block in names for name in block)

    @property
    def event_width(self) -> int:
        """How many columns, the first ones, follow from the event alone."""
        return sum(len(block.names) for block in self.blocks)

    @property
    def needs_memory(self) -> bool:
        """Whether a feature depends on the past."""
        return bool(self.recall_blocks)

    def compute(self, transactions: Sequence[Transaction], memory: Memory | None = None) -> Matrix:
        """Return the features, shape [N, F], in the order of `transactions` and `names`.

        A row depends on its own transaction and its past only, bit for bit: not on the batch's size, the CPU or the clock. The past is
        what `memory` holds and the transactions before it in the batch; they stay in the memory until `settle` or `undo`. Without a
        memory there is no past. Raises `NotLoaded`.
        """
        out: Matrix = np.empty((len(transactions), len(self.names)), np.float32)
        start = 0
        if not transactions:
            return out
        columns = Columns(transactions)
        for block in self.blocks:
            end = start + len(block.names)
            block.fill(columns, out[:, start:end])
            start = end
        if self.recall_blocks:
            self._fill_recalled((memory or Memory(past=NoPast())).recall(columns), out[:, start:])
        return out

    def _fill_recalled(self, recalled: npt.NDArray[np.float64], out: Matrix) -> None:
        if len(out) < _VERY_FEW:
            rows = recalled.T.tolist()
            out[:] = [list(chain.from_iterable(block.row(seen) for block in self.recall_blocks)) for seen in rows]
            return
        found = np.empty(out.T.shape, np.float32)
        start = 0
        for block in self.recall_blocks:
            end = start + len(block.names)
            block.fill(recalled, found[start:end])
            start = end
        out[:] = found.T
