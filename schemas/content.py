"""The hash of an event's content. Apart, because its bytes are kept for ever: they tell a resend with other content from a repetition."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

_NOTHING = blake2b(digest_size=16)
"""Copied for every event: cheaper than to set up another."""


def content_hash(content: tuple[Any, ...]) -> bytes:
    """Return BLAKE2b-128 over `name=value` of every field that is present, in column order, each ended by NUL.

    `content` holds the fields from user_id to previous_transactions_count. Absent fields leave no trace, so a column that is added
    later does not change the hash of yesterday's events.
    """
    (
        user_id, amount, currency, merchant_id, merchant_category, channel, country, state, city, latitude, longitude,
        device_type, device_id, ip_address, card_id, local_hour, local_weekday, previous_count,
    ) = content  # fmt: skip
    text = "".join((
        f"user_id={user_id}\0amount={amount!s}\0",
        "" if currency is None else f"currency={currency}\0",
        "" if merchant_id is None else f"merchant_id={merchant_id}\0",
        "" if merchant_category is None else f"merchant_category={merchant_category}\0",
        "" if channel is None else f"channel={channel}\0",
        "" if country is None else f"location_country={country}\0",
        "" if state is None else f"location_state={state}\0",
        "" if city is None else f"location_city={city}\0",
        "" if latitude is None else f"location_latitude={latitude!s}\0",
        "" if longitude is None else f"location_longitude={longitude!s}\0",
        "" if device_type is None else f"device_type={device_type}\0",
        "" if device_id is None else f"device_id={device_id}\0",
        "" if ip_address is None else f"ip_address={ip_address}\0",
        "" if card_id is None else f"card_id={card_id}\0",
        f"local_hour={local_hour!s}\0local_weekday={local_weekday!s}\0",
        "" if previous_count is None else f"previous_transactions_count={previous_count!s}\0",
    ))  # fmt: skip
    hashed = _NOTHING.copy()
    hashed.update(text.encode())
    return hashed.digest()
