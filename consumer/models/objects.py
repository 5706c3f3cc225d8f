"""The port under the model store: a few small objects, read whole and written under a condition."""

from __future__ import annotations

from typing import NamedTuple, NewType, Protocol

Tag = NewType("Tag", str)
"""Changes whenever the object does: S3's ETag."""


class Stored(NamedTuple):
    """An object as it was read."""

    body: bytes
    tag: Tag


class ModelObjects(Protocol):
    """Objects by key. Every method raises TransientSinkError or PermanentSinkError where the store cannot be asked."""

    def read(self, key: str) -> Stored | None:
        """Return the object at `key`, None if there is none."""

    def write(self, key: str, body: bytes, over: Tag | None) -> bool:
        """Store `body` over the object with the tag `over`, or, for None, where nothing stands; whether that was so.

        False proves nothing against us: a request that was repeated inside may have found its own object. Look what stands there.
        """

    def address(self, key: str) -> str:
        """Return where `key` is, for people."""
