"""Merchants' windows as PostgreSQL gives them, from the hours and frauds that housekeeping rolled up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from psycopg import Cursor

from schemas.history import LABEL_DELAY_DAYS, MERCHANT_WINDOW_DAYS, MerchantHour, MerchantWindows
from sinks.ledger.connection import Connection
from sinks.ledger.queries import query

DAY_HOURS = 24
DELAY_HOURS = LABEL_DELAY_DAYS * DAY_HOURS
WINDOW_HOURS = tuple(days * DAY_HOURS for days in MERCHANT_WINDOW_DAYS)


def ask_windows(connection: Connection, merchants: Collection[MerchantHour]) -> Cursor[tuple[Any, ...]]:
    """Ask for the rows that `rows_to_windows` takes; at least one merchant."""
    merchant_ids, hours = zip(*merchants, strict=True)
    windows = dict(zip(("shortest", "middle", "longest"), WINDOW_HOURS, strict=True))
    parameters = {"merchant_ids": list(merchant_ids), "hours": list(hours), "delay": DELAY_HOURS} | windows
    return connection.execute(query("merchant_windows"), parameters, binary=True)


def rows_to_windows(rows: Iterable[Sequence[Any]]) -> dict[MerchantHour, MerchantWindows]:
    """Return each merchant's windows from rows of merchant, hour, three counts and three numbers of frauds."""
    return {
        MerchantHour(merchant_id, hour): MerchantWindows((a, b, c), (d, e, f))
        for merchant_id, hour, a, b, c, d, e, f in rows
    }
