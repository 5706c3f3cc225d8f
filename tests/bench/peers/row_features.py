"""The features of one payment, as a user computes them where records are scored one by one: plain Python, tables made beforehand.

The same numbers as the feature set event/1, so that the same ONNX model can score them; a test compares them. The words and
tables come from our feature set: whoever trains a model has such tables.
"""

from __future__ import annotations

import math

from consumer.scoring.features.places import DOLLAR_VALUES, HOME_CURRENCIES, REGIONS
from consumer.scoring.features.vocabulary import Vocabulary
from consumer.scoring.features.words import CATEGORIES, CHANNELS, DEVICES
from tests.bench.peers.payment import NO_DEVICE, NO_LOCATION, DeviceInfo, Payment

NAN = math.nan
_PRIVATE_V4 = ("10.", "192.168.", "127.", "169.254.", *(f"172.{n}." for n in range(16, 32)))
_PRIVATE_V6 = ("fc", "fd", "fe80:", "::1")


def _one_hot_rows(vocabulary: Vocabulary) -> list[list[float]]:
    size = len(vocabulary.names)
    return [[float(column == row) for column in range(size)] for row in range(size)] + [[NAN] * size]


def _cycle(size: int, flagged: range) -> list[list[float]]:
    angles = [2 * math.pi * step / size for step in range(size)]
    return [[round(math.sin(a), 6), round(math.cos(a), 6), float(n in flagged)] for n, a in enumerate(angles)]


HOURS, WEEKDAYS = _cycle(24, range(6)), _cycle(7, range(5, 7))
CATEGORY_ROWS, REGION_ROWS = _one_hot_rows(CATEGORIES), _one_hot_rows(REGIONS)
CHANNEL_ROWS, DEVICE_ROWS = _one_hot_rows(CHANNELS), _one_hot_rows(DEVICES)


def features_of(payment: Payment) -> list[float]:
    """Return the 56 numbers of event/1, NaN for what is missing."""
    place, device = payment.location or NO_LOCATION, payment.device_info or NO_DEVICE
    hour = payment.timestamp.hour if payment.hour is None else payment.hour
    weekday = payment.timestamp.weekday() if payment.day_of_week is None else payment.day_of_week
    count = payment.previous_transactions_count
    return [
        *_amount(float(payment.amount), payment.currency),
        *HOURS[hour],
        *WEEKDAYS[weekday],
        *CATEGORY_ROWS[CATEGORIES[payment.merchant_category]],
        *REGION_ROWS[REGIONS[place.country]],
        differs(place.country, payment.currency),
        *CHANNEL_ROWS[CHANNELS[payment.channel]],
        *DEVICE_ROWS[DEVICES[device.device_type]],
        *_device(device),
        bool(payment.merchant_id),
        bool(payment.card_id),
        place.latitude is not None and place.longitude is not None,
        NAN if count is None else _log2(count),
        NAN if count is None else count == 0,
    ]


def _log2(value: float) -> float:
    mantissa, exponent = math.frexp(value + 1.0)
    return exponent + (2.0 * mantissa - 2.0)


def _amount(amount: float, currency: str | None) -> list[float]:
    dollars, cents = amount * DOLLAR_VALUES[currency], round(amount * 100)
    magnitude, minor, is_paid = _log2(dollars), cents % 100, cents > 0
    return [
        magnitude,
        max(magnitude - 9.0, 0.0),
        minor / 100.0,
        cents == 0,
        dollars <= 2.0 and is_paid,
        minor == 0 and is_paid,
        cents % 10_000 == 0 and is_paid,
        minor == 99,
    ]


def differs(country: str | None, currency: str | None) -> float:
    """Return whether the currency is not the country's, 0 or 1; NaN where that cannot be said."""
    home = HOME_CURRENCIES.get(country)
    return NAN if home is None or currency is None else float(home != currency)


def _device(device: DeviceInfo) -> list[float]:
    return [bool(device.device_id), *address_features(device.ip_address)]


def address_features(address: str | None) -> tuple[float, float]:
    """Return whether an IP address is private and whether it is one of version 6; twice NaN where it is none."""
    if not address:
        return NAN, NAN
    if ":" in address:
        return float(address.lower().startswith(_PRIVATE_V6)), 1.0
    return (float(address.startswith(_PRIVATE_V4)), 0.0) if address.count(".") == 3 else (NAN, NAN)
