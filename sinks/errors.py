"""Every error that a sink may raise, on one page. The docstring is the default message; facts are attributes."""

from __future__ import annotations


class SinkError(Exception):
    """A sink failed."""

    def __init__(self, message: str | None = None, **facts: object) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n", 1)[0])
        self.facts = facts


class TransientSinkError(SinkError):
    """The sink cannot be reached or is busy: the same call may succeed later. Nothing is known to have been written."""

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None, **facts: object) -> None:
        super().__init__(message, **facts)
        self.retry_after_s = retry_after_s


class DataRefusedError(SinkError):
    """The sink refuses the content of at least one row (SQLSTATE 22, 23, 54): bisect to it."""


class OvertakenError(SinkError):
    """Another owner of the shard has meanwhile given a record of the batch another verdict: look the batch up again."""


class DamagedLetterError(SinkError):
    """The object at a dead letter's key is not the letter of that record: it was changed, or somebody else put it there."""


class PermanentSinkError(SinkError):
    """The sink refuses what we ask of it, and asking again cannot help: stop, no checkpoint."""


class SchemaVersionError(PermanentSinkError):
    """The ledger's schema is not the one that this version needs: run `fraudstream migrate`."""


class LeaseLost(Exception):
    """Another worker owns the shard now: end it quietly, write no checkpoint."""
