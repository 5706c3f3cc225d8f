"""Dead letters in memory, for tests and dry runs: the same documents under the same keys as on S3."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.dead_letter import DeadLetter
from sinks.dead_letters.documents import document_of, letter_in
from sinks.dead_letters.keys import DEAD_LETTERS_PREFIX, dead_letter_key, is_letter_key, letter_key
from sinks.errors import TransientSinkError
from sinks.port import Delivery


class MemoryDeadLetters:
    """Keeps letters as JSON by key. `fail_next` makes the next writes fail without a trace."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self._failures = 0

    def fail_next(self, times: int = 1) -> None:
        """Make the next `times` writes raise TransientSinkError."""
        self._failures += times

    def put(self, letter: DeadLetter) -> None:
        """Keep the letter unless its position has one already. Raises TransientSinkError if so told."""
        if self._failures:
            self._failures -= 1
            raise TransientSinkError("the dead letters cannot be reached")
        self.documents.setdefault(dead_letter_key(letter), document_of(letter))

    def find(self, delivery: Delivery) -> DeadLetter | None:
        """See `sinks.port.DeadLetterArchive.find`."""
        key = letter_key(*delivery)
        document = self.documents.get(key)
        return None if document is None else letter_in(document, key)

    def letters(self, prefix: str = DEAD_LETTERS_PREFIX) -> Iterator[DeadLetter]:
        """Yield every letter whose key begins with `prefix`, in order of the keys."""
        for key in sorted(self.documents):
            if key.startswith(prefix) and is_letter_key(key):
                yield letter_in(self.documents[key], key)

    def count(self, prefix: str = DEAD_LETTERS_PREFIX) -> int:
        """Return how many letters there are whose key begins with `prefix`."""
        return sum(key.startswith(prefix) and is_letter_key(key) for key in self.documents)
