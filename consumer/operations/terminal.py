"""Text from events on somebody's terminal: what producers send must not move the cursor or hide a line."""

from __future__ import annotations

_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233, *range(8234, 8239)), "�")


def printable(text: str) -> str:
    """Return `text` with control and direction characters replaced."""
    return text.translate(_UNPRINTABLE)
