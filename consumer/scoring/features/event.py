"""The set `event/1`: what a transaction says by itself. Nothing here needs history; velocity will be blocks of its own.

Only operations that IEEE 754 rounds correctly (and tables) are used, so that every CPU computes the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.block import Block, Matrix
from consumer.scoring.features.feature_set import FeatureSet
from consumer.scoring.features.places import DOLLAR_VALUES, HOME_CURRENCIES, REGIONS
from consumer.scoring.features.vocabulary import one_hot
from consumer.scoring.features.words import CATEGORIES, CHANNELS, DEVICES
from schemas.transaction import Transaction

_MISSING = math.nan
_NIGHT_HOURS = range(6)
_SATURDAY = 5
_TINY_DOLLARS = 2.0
_LARGE_LOG2 = 9.0
_PRIVATE_V4 = ("10.", "192.168.", "127.", "169.254.", *(f"172.{n}." for n in range(16, 32)))
_PRIVATE_V6 = ("fc", "fd", "fe80:", "::1")
_V4_DOTS = 3
_PUBLIC_V4, _PUBLIC_V6, _PRIVATE_V4_CODE, _PRIVATE_V6_CODE, _NO_IP = range(5)
_IP_ROWS = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [_MISSING, _MISSING]], np.float32)


def straight_log2(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return log2(1 + value) with straight lines between the powers of two; values are >= 0 or NaN.

    Exact to 0.09, monotone, and made of exact operations only, where a library's logarithm differs between CPUs in its last bit.
    """
    mantissa, exponent = np.frexp(values + 1.0)
    return exponent + (2.0 * mantissa - 2.0)


def _cycle(size: int, flagged: Sequence[int]) -> Matrix:
    """Return a table [size, 3]: sine, cosine (six decimals, so that no library's last bit shows) and a flag."""
    angles = [2 * math.pi * step / size for step in range(size)]
    rows = [(round(math.sin(a), 6), round(math.cos(a), 6), step in flagged) for step, a in enumerate(angles)]
    return np.array(rows, np.float32)


_HOURS = _cycle(24, _NIGHT_HOURS)
_WEEKDAYS = _cycle(7, range(_SATURDAY, 7))


def _fill_amount(transactions: Sequence[Transaction], out: Matrix) -> None:
    amounts = np.array([float(t.amount) for t in transactions], np.float64)
    dollars = amounts * np.array([DOLLAR_VALUES[t.currency] for t in transactions], np.float64)
    cents = np.rint(amounts * 100.0).astype(np.int64)
    magnitude, minor = straight_log2(dollars), cents % 100
    out[:, 0] = magnitude
    out[:, 1] = np.maximum(magnitude - _LARGE_LOG2, 0.0)
    out[:, 2] = minor / 100.0
    out[:, 3] = cents == 0
    out[:, 4] = (dollars <= _TINY_DOLLARS) & (cents > 0)
    out[:, 5] = (minor == 0) & (cents > 0)
    out[:, 6] = (cents % 10_000 == 0) & (cents > 0)
    out[:, 7] = minor == 99  # noqa: PLR2004


def _fill_time(transactions: Sequence[Transaction], out: Matrix) -> None:
    out[:, :3] = _HOURS[[t.local_hour for t in transactions]]
    out[:, 3:] = _WEEKDAYS[[t.local_weekday for t in transactions]]


def _currency_differs(country: str | None, currency: str | None) -> float:
    home = HOME_CURRENCIES.get(country)
    return _MISSING if home is None or currency is None else float(home != currency)


def _fill_currency(transactions: Sequence[Transaction], out: Matrix) -> None:
    out[:, 0] = [_currency_differs(t.location_country, t.currency) for t in transactions]


def _ip_code(address: str | None) -> int:
    """Return the row of `_IP_ROWS`. Looks at the address's beginning only: the schema does not promise a well-formed one."""
    if not address:
        return _NO_IP
    if ":" in address:
        return _PRIVATE_V6_CODE if address.lower().startswith(_PRIVATE_V6) else _PUBLIC_V6
    if address.count(".") != _V4_DOTS:
        return _NO_IP
    return _PRIVATE_V4_CODE if address.startswith(_PRIVATE_V4) else _PUBLIC_V4


def _fill_device(transactions: Sequence[Transaction], out: Matrix) -> None:
    out[:, 0] = [bool(t.device_id) for t in transactions]
    out[:, 1:] = _IP_ROWS[[_ip_code(t.ip_address) for t in transactions]]


def _fill_presence(transactions: Sequence[Transaction], out: Matrix) -> None:
    out[:, 0] = [bool(t.merchant_id) for t in transactions]
    out[:, 1] = [bool(t.card_id) for t in transactions]
    out[:, 2] = [t.location_latitude is not None and t.location_longitude is not None for t in transactions]


def _fill_seniority(transactions: Sequence[Transaction], out: Matrix) -> None:
    counts = [t.previous_transactions_count for t in transactions]
    earlier = np.array([_MISSING if count is None else count for count in counts], np.float64)
    out[:, 0] = straight_log2(earlier)
    out[:, 1] = np.where(np.isnan(earlier), _MISSING, earlier == 0)


EVENT = FeatureSet(
    "event/1",
    (
        Block(
            (
                "amount_log2", "amount_log2_above_512", "amount_cents", "amount_is_zero", "amount_is_tiny",
                "amount_is_whole", "amount_is_whole_hundreds", "amount_ends_in_99",
            ),
            _fill_amount,
        ),
        Block(("hour_sin", "hour_cos", "is_night", "weekday_sin", "weekday_cos", "is_weekend"), _fill_time),
        one_hot("category", CATEGORIES, attrgetter("merchant_category")),
        one_hot("region", REGIONS, attrgetter("location_country")),
        Block(("currency_differs_from_country",), _fill_currency),
        one_hot("channel", CHANNELS, attrgetter("channel")),
        one_hot("device", DEVICES, attrgetter("device_type")),
        Block(("has_device_id", "ip_is_private", "ip_is_v6"), _fill_device),
        Block(("has_merchant_id", "has_card_id", "has_coordinates"), _fill_presence),
        Block(("previous_transactions_log2", "is_first_transaction"), _fill_seniority),
    ),
)  # fmt: skip
