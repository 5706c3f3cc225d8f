"""The event as a user of pydantic would declare it: what is needed, with plain types. Looser than our schema, and so faster."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel


class Location(BaseModel):
    country: str | None = None
    state: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class DeviceInfo(BaseModel):
    device_type: str | None = None
    device_id: str | None = None
    ip_address: str | None = None


NO_LOCATION, NO_DEVICE = Location(), DeviceInfo()


class Payment(BaseModel):
    transaction_id: str
    timestamp: datetime
    user_id: str
    amount: Decimal
    currency: str | None = None
    merchant_id: str | None = None
    merchant_category: str | None = None
    channel: str | None = None
    location: Location | None = None
    device_info: DeviceInfo | None = None
    card_id: str | None = None
    hour: int | None = None
    day_of_week: int | None = None
    previous_transactions_count: int | None = None
