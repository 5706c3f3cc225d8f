"""The one-hot columns that are made from a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from consumer.scoring.features.block import Pieces, packed
from consumer.scoring.features.vocabulary import Vocabulary


class _Rows(dict[str | None, bytes]):
    """The one-hot row of every word that a vocabulary lists; of others it is found each time, so that the table never grows."""

    def __init__(self, vocabulary: Vocabulary, rows: Sequence[bytes]) -> None:
        super().__init__({word: rows[code] for word, code in vocabulary.items()})
        self._vocabulary, self._rows = vocabulary, rows

    def __missing__(self, word: str | None) -> bytes:
        return self._rows[self._vocabulary[word]]


def one_hot(prefix: str, vocabulary: Vocabulary, field: str) -> Pieces:
    """Return a 0/1 column per meaning of a transaction's field, `other` last; all of them are NaN where the word is missing."""
    size = len(vocabulary.names)
    rows = _Rows(vocabulary, packed(np.vstack([np.eye(size), np.full((1, size), np.nan)])))
    return Pieces(
        tuple(f"{prefix}_{name}" for name in vocabulary.names), lambda columns: map(rows.__getitem__, columns[field])
    )
