"""Retention of the front door's reservations, for housekeeping."""

from __future__ import annotations

from datetime import datetime

from sinks.ledger.connection import Dsn, connect
from sinks.ledger.errors import translated
from sinks.ledger.queries import query


def forget_reservations(dsn: Dsn, before: datetime, limit: int) -> int:
    """Delete at most `limit` reservations that were made before then, oldest first, and return how many; on a connection of its own.

    Whoever does it at the same time takes others. Raises TransientSinkError or PermanentSinkError.
    """
    with translated(), connect(dsn, "fraudstream-retention") as connection:
        connection.execute(query("session"))
        return connection.execute(query("forget_reservations"), {"before": before, "limit": limit}).rowcount
