"""What a user can mend about a backfill: told in one line, with the place and the remedy."""

from __future__ import annotations


class BackfillError(Exception):
    """The backfill cannot be done as asked."""


class MappingError(BackfillError):
    """The mapping file is wrong; the message names file, line, section and key."""


class TooManyRefused(BackfillError):
    """More rows were refused than is allowed: the source or its mapping is wrong, and nothing was written."""
