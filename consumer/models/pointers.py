"""The pointers: which bundle each channel serves, and which policy overrides the bundle's. Moved only over what was seen."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from consumer.models.errors import DamagedObject, PointerMoved
from consumer.models.layout import Move, Pointer, PointerName, pointer_key
from consumer.models.objects import ModelObjects, Tag


class Seen(NamedTuple):
    """A pointer as it was read; None where nobody ever moved it."""

    pointer: Pointer | None
    tag: Tag | None

    @property
    def digest(self) -> str | None:
        """What it points at, None for nothing."""
        return self.pointer.digest if self.pointer else None


class Pointers:
    """Every method raises ModelStoreError, or the sinks' errors where S3 cannot be asked."""

    def __init__(self, objects: ModelObjects) -> None:
        self._objects = objects

    def read(self, name: PointerName) -> Seen:
        """Return the pointer as it stands. Raises DamagedObject."""
        stored = self._objects.read(key := pointer_key(name))
        if stored is None:
            return Seen(None, None)
        try:
            return Seen(Pointer.model_validate_json(stored.body), stored.tag)
        except ValidationError as error:
            raise DamagedObject(self._objects.address(key), "it is no pointer") from error

    def move(self, name: PointerName, digest: str | None, version: str | None, move: Move, over: Seen) -> Pointer:
        """Point `name` at a digest, or at nothing, unless it was moved since it was `over`; return what stands now.

        Raises PointerMoved, with who moved it. When an error says that S3 is busy, it is not known whether the move was made.
        """
        moved = Pointer(digest=digest, version=version, previous=over.digest, **move.model_dump())
        if self._objects.write(pointer_key(name), moved.model_dump_json(indent=1).encode() + b"\n", over.tag):
            return moved
        standing = self.read(name).pointer
        if standing == moved:  # the request was repeated underneath, and found its own object
            return moved
        if standing is None:
            raise DamagedObject(self._objects.address(pointer_key(name)), "it was deleted meanwhile")
        raise PointerMoved(name, standing.version or "nothing", standing.moved_by, standing.moved_at)
