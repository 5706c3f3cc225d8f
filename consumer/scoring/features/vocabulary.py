"""Words to codes: a closed vocabulary with aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
