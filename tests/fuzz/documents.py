"""An event as pairs of JSON texts, so that a mutation can repeat a key, misspell a value, or put in what is no JSON at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(slots=True)
class Document:
    """A JSON object: keys (without quotes, as they are to be spelled) and values in order; nothing in it needs to be legal."""

    pairs: list[tuple[bytes, bytes | Document]]

    def encode(self) -> bytes:
        """Return the object as it would travel."""
        return b"{" + b",".join(b'"' + key + b'":' + text_of(value) for key, value in self.pairs) + b"}"

    def places(self) -> list[Place]:
        """Return every place in it, those of nested objects included."""
        return list(self._places())

    def find(self, name: bytes) -> Place | None:
        """Return the first place of that key, at any level."""
        return next((place for place in self._places() if place.key == name), None)

    def _places(self) -> Iterator[Place]:
        for index, (_, value) in enumerate(self.pairs):
            yield Place(self, index)
            if isinstance(value, Document):
                yield from value._places()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pair stands."""

    parent: Document
    index: int

    @property
    def key(self) -> bytes:
        return self.parent.pairs[self.index][0]

    @property
    def value(self) -> bytes | Document:
        return self.parent.pairs[self.index][1]

    def put(self, value: bytes | Document) -> None:
        """Replace the value."""
        self.parent.pairs[self.index] = (self.key, value)

    def rename(self, key: bytes) -> None:
        """Replace the key."""
        self.parent.pairs[self.index] = (key, self.value)

    def remove(self) -> None:
        """Take the pair away; other places of the same object are not valid any more."""
        del self.parent.pairs[self.index]


def document_of(event: dict[str, Any]) -> Document:
    """Return a valid event as a document."""
    return Document([(key.encode(), _value_of(value)) for key, value in event.items()])


def text_of(value: bytes | Document) -> bytes:
    """Return the JSON text of a value."""
    return value.encode() if isinstance(value, Document) else value


def any_place(document: Document, rng: Random) -> Place | None:
    """Return a place drawn evenly, None if the document is empty."""
    places = document.places()
    return rng.choice(places) if places else None


def _value_of(value: Any) -> bytes | Document:
    return document_of(value) if isinstance(value, dict) else json.dumps(value).encode()
