"""Finds the line of a key in a TOML text. Python's parser tells no lines, so it is asked how much of the text holds the key."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

_TOKENS = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|#[^\n]*|[\[\]{}\n]", re.DOTALL
)
"""What may hide a line's end or say whether it ends a statement: texts, comments, brackets, and the line's end itself."""


class TomlText:
    """A TOML text with its document. Raises ValueError, with the line, for what is no TOML."""

    def __init__(self, text: str) -> None:
        self.document: dict[str, Any] = tomllib.loads(text)
        self._text = text.replace("\r\n", "\n")  # as the parser does
        self._ends = [*_statement_ends(self._text), len(self._text)]

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """Return the line, counted from 1, where the statement with `path` begins, or with what should hold it; None for the text.

        Costs a few parses of the text: for errors only.
        """
        while path and not _holds(self.document, path):
            path = path[:-1]
        if not path:
            return None
        number = bisect_left(self._ends, True, key=lambda end: _holds(tomllib.loads(self._text[:end]), path))
        start = self._ends[number - 1] + 1 if number else 0
        return self._text.count("\n", 0, start) + 1


def _statement_ends(text: str) -> Iterator[int]:
    """Yield where lines end that end a statement, a table's header, a comment or nothing; `text` is TOML."""
    depth = 0
    for token in _TOKENS.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case "\n" if not depth:
                yield token.start()


def _holds(document: Any, path: Sequence[str | int]) -> bool:
    try:
        for step in path:
            document = document[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True
