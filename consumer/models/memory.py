"""Model objects in memory, for tests: the same conditions, and failures before or after the object stands."""

from __future__ import annotations

from hashlib import md5

from consumer.models.objects import Stored, Tag
from sinks.errors import TransientSinkError


class MemoryModelObjects:
    """See `ModelObjects`. Like S3, a tag follows from the content alone."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self._failures: list[bool] = []

    def fail_next(self, when: str) -> None:
        """Make the next write raise TransientSinkError, `before` or `after` the object stands."""
        self._failures.append(when == "after")

    def read(self, key: str) -> Stored | None:
        """See `ModelObjects.read`."""
        body = self.bodies.get(key)
        return None if body is None else Stored(body, _tag(body))

    def write(self, key: str, body: bytes, over: Tag | None) -> bool:
        """See `ModelObjects.write`."""
        is_carried_out = self._failures.pop(0) if self._failures else None
        standing = self.read(key)
        is_met = (standing.tag if standing else None) == over
        if is_met and is_carried_out is not False:
            self.bodies[key] = body
        if is_carried_out is not None:
            raise TransientSinkError("memory is busy, as asked", key=key)
        return is_met

    def address(self, key: str) -> str:
        """Return the object's address."""
        return f"memory:{key}"


def _tag(body: bytes) -> Tag:
    return Tag(f'"{md5(body, usedforsecurity=False).hexdigest()}"')
