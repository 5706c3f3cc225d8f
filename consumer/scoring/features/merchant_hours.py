"""Merchants' windows by hour, as a shard remembers them: packed, and forgotten an hour at a time, the oldest first."""

from __future__ import annotations

import math
from struct import Struct

from schemas.history import MerchantWindows

WINDOWS = Struct("6d")
NO_MERCHANT = WINDOWS.pack(*(math.nan,) * 6)


class MerchantHours:
    """Maps an hour and a merchant to the bytes of six float64: the counts and the frauds of `MerchantWindows`."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._hours: dict[int, dict[str, bytes]] = {}
        self._held = 0

    def find(self, merchant_id: str, hour: int) -> bytes | None:
        """Return what is held."""
        merchants = self._hours.get(hour)
        return None if merchants is None else merchants.get(merchant_id)

    def put(self, merchant_id: str, hour: int, windows: MerchantWindows) -> bytes:
        """Hold the windows, and return them as `find` does."""
        merchants = self._hours.setdefault(hour, {})
        self._held += merchant_id not in merchants
        found = merchants[merchant_id] = WINDOWS.pack(*windows.counts, *windows.frauds)
        return found

    def make_room(self, most: int) -> None:
        """Forget the oldest hours until at most so many windows are left."""
        while self._held > most:
            self._held -= len(self._hours.pop(min(self._hours)))
