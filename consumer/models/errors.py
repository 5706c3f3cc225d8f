"""What may be wrong with the model store, apart from S3 itself, whose errors are the sinks'."""

from __future__ import annotations

from datetime import datetime


class ModelStoreError(Exception):
    """The store does not hold what was asked for, or holds something else: `cause` says what, `remedy` what to do."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}. {remedy}")
        self.cause, self.remedy = cause, remedy


class NotInStore(ModelStoreError):
    """There is no such bundle or policy, or its upload was cut off."""


class DamagedObject(ModelStoreError):
    """An object is not what its key and the manifest say."""

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(f"{place}: {cause}", "Find out who wrote it, delete it and push the bundle or policy again.")


class VersionTaken(ModelStoreError):
    """The version names another bundle or policy in this store: one version, one content, or decisions could not be explained."""

    def __init__(self, version: str, digest: str) -> None:
        super().__init__(f"version {version} stands for {digest} already", "Give the changed one another version.")


class PointerMoved(ModelStoreError):
    """Somebody moved the pointer between our look and our move."""

    def __init__(self, name: str, what: str, moved_by: str, moved_at: datetime) -> None:
        remedy = "See `fraudstream model show`, and do it again if you still mean it."
        super().__init__(
            f"{name} was moved meanwhile, to {what}, by {moved_by} at {moved_at:%Y-%m-%d %H:%M:%SZ}", remedy
        )
