"""Merchants' windows as PostgreSQL gives them, from the hours and frauds that housekeeping rolled up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from schemas.history import LABEL_DELAY_DAYS, MERCHANT_WINDOW_DAYS, MerchantHour, MerchantWindows
from sinks.ledger.arrays import pack_integers, pack_texts
from sinks.ledger.connection import Connection, Cursor
from sinks.ledger.queries import query

DAY_HOURS = 24
DELAY_HOURS = LABEL_DELAY_DAYS * DAY_HOURS
WINDOW_HOURS = tuple(days * DAY_HOURS for days in MERCHANT_WINDOW_DAYS)


def ask_windows(connection: Connection, merchants: Collection[MerchantHour]) -> Cursor:
    """Ask for the rows that `rows_to_windows` takes; at least one merchant."""
    merchant_ids, hours = zip(*merchants, strict=True)
    windows = dict(zip(("shortest", "middle", "longest"), WINDOW_HOURS, strict=True))
    arrays = {"merchant_ids": pack_texts(merchant_ids), "hours": pack_integers(hours)}
    return connection.execute(query("merchant_windows"), {**arrays, "delay": DELAY_HOURS, **windows}, binary=True)


def rows_to_windows(rows: Iterable[Sequence[Any]]) -> dict[MerchantHour, MerchantWindows]:
    """Return each merchant's windows from rows of merchant, hour, three counts and three numbers of frauds."""
    return {
        MerchantHour(merchant_id, hour): MerchantWindows((a, b, c), (d, e, f))
        for merchant_id, hour, a, b, c, d, e, f in rows
    }
