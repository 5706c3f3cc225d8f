"""Columns of a feature set that are computed together. Apart from the set, because vocabularies make blocks too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.columns import Columns

Matrix: TypeAlias = npt.NDArray[np.float32]
"""Float32 in C order, a row per transaction and a column per feature; NaN stands for a missing value."""


class Block(NamedTuple):
    """A few columns that are computed together: `fill(columns, out)` writes every cell of `out`, shape [N, len(names)], N > 0."""

    names: tuple[str, ...]
    fill: Callable[[Columns, Matrix], None]


class RecallBlock(NamedTuple):
    """The same of what a memory tells: `fill(recalled, out)`, where `recalled` is what `Memory.recall` returns and `out` is [names, N].

    `row(seen)` gives the same values, to the bit, of one transaction: of few, that takes less time.
    """

    names: tuple[str, ...]
    fill: Callable[[npt.NDArray[np.float64], Matrix], None]
    row: Callable[[Sequence[float]], Iterable[float]]


class Pieces(NamedTuple):
    """A few columns that are looked up: `read(columns)` gives the bytes of len(names) float32 for each transaction."""

    names: tuple[str, ...]
    read: Callable[[Columns], Iterable[bytes]]


def packed(table: Sequence[Sequence[float]] | Matrix) -> tuple[bytes, ...]:
    """Return the rows of a table as the bytes of float32."""
    return tuple(row.tobytes() for row in np.array(table, np.float32))


def joined(*parts: Pieces) -> Block:
    """Return the parts side by side: one copy for all of them costs less than an assignment to columns for each."""
    names = tuple(chain.from_iterable(part.names for part in parts))
    readers = [part.read for part in parts]

    def fill(columns: Columns, out: Matrix) -> None:
        rows = zip(*[read(columns) for read in readers], strict=True)
        out[:] = np.frombuffer(b"".join(chain.from_iterable(rows)), np.float32).reshape(out.shape)

    return Block(names, fill)
