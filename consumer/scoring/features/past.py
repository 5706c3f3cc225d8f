"""Who tells the past that was not loaded ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schemas.history import MerchantHour, MerchantWindows, PastTransaction


class Past(Protocol):
    """Tells what was not loaded ahead: backfill and golden vectors have the whole past at hand."""

    def history(self, user_id: str) -> Sequence[PastTransaction]:
        """Return the user's transactions so far."""

    def merchant(self, asked: MerchantHour) -> MerchantWindows:
        """Return the merchant's windows."""


class NoPast:
    """A `Past` in which nothing ever happened."""

    def history(self, user_id: str) -> Sequence[PastTransaction]:
        """See `Past.history`."""
        del user_id
        return ()

    def merchant(self, asked: MerchantHour) -> MerchantWindows:
        """See `Past.merchant`."""
        del asked
        return MerchantWindows((0, 0, 0), (0, 0, 0))
