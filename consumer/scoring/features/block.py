"""Columns of a feature set that are computed together. Apart from the set, because vocabularies make blocks too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class RecallBlock(NamedTuple):
    """The same of what a memory tells: `fill(recalled, out)`, where `recalled` is what `Memory.recall` returns."""

    names: tuple[str, ...]
    fill: Callable[[npt.NDArray[np.float64], Matrix], None]
