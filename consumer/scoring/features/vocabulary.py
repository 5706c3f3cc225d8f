"""Words to codes: a closed vocabulary with aliases, and the one-hot columns made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from consumer.scoring.features.block import Block, Matrix
from schemas.transaction import Transaction

OTHER = "other"


class Vocabulary(dict[str | None, int]):
    """Maps a word as senders write it to the code of its meaning; a word that nobody listed has the code of `other`.

    None and blank words are missing: their code is `len(names)`. Case, spaces and dashes do not matter. The table never
    grows, whatever is looked up.
    """

    def __init__(self, meanings: Mapping[str, Sequence[str]]) -> None:
        """Take the aliases of each meaning; the order of `meanings` is the order of the codes."""
        self.names = (*meanings, OTHER)
        super().__init__()
        for code, (meaning, aliases) in enumerate(meanings.items()):
            for word in (meaning, *aliases):
                self[word] = self[word.upper()] = code
        self[None] = self[""] = len(self.names)
        self._other = len(meanings)

    def __missing__(self, word: str | None) -> int:
        plain = (word or "").strip().lower().replace(" ", "_").replace("-", "_")
        return self.get(plain, self._other)


def one_hot(prefix: str, vocabulary: Vocabulary, read: Callable[[Transaction], str | None]) -> Block:
    """Return a block with a 0/1 column per meaning, `other` last; all of them are NaN where the word is missing."""
    size = len(vocabulary.names)
    rows = np.vstack([np.eye(size, dtype=np.float32), np.full((1, size), np.nan, np.float32)])

    def fill(transactions: Sequence[Transaction], out: Matrix) -> None:
        out[:] = rows[[vocabulary[word] for word in map(read, transactions)]]

    return Block(tuple(f"{prefix}_{name}" for name in vocabulary.names), fill)
