"""Numbers for texts, so that histories hold a number where an event names a merchant, a country or a device."""

from __future__ import annotations

from collections.abc import Iterable

NO_TEXT = 0
"""The code of None and of the empty text."""


class TextCodes(dict[str | None, int]):
    """Maps each text to a number of its own, which it keeps until it is forgotten; numbers are not used twice."""

    def __init__(self) -> None:
        """Know the missing texts alone."""
        super().__init__({None: NO_TEXT, "": NO_TEXT})
        self._last = NO_TEXT

    def __missing__(self, text: str | None) -> int:
        self._last += 1
        self[text] = self._last
        return self._last

    def keep(self, used: Iterable[int]) -> None:
        """Forget the texts whose numbers are not among these."""
        kept = {*used, NO_TEXT}
        for text in [text for text, code in self.items() if code not in kept]:
            del self[text]
