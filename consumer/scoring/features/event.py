"""The set `event/1`: what a transaction says by itself. Nothing here needs history; velocity will be blocks of its own.

Only operations that IEEE 754 rounds correctly (and tables) are used, so that every CPU computes the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.block import Block, Matrix, Pieces, joined, packed
from consumer.scoring.features.columns import FEW, Columns
from consumer.scoring.features.feature_set import FeatureSet
from consumer.scoring.features.one_hot import one_hot
from consumer.scoring.features.places import HOME_CURRENCIES, REGIONS
from consumer.scoring.features.words import CATEGORIES, CHANNELS, DEVICES

_MISSING = math.nan
_NIGHT_HOURS = range(6)
_SATURDAY = 5
_TINY_DOLLARS = 2.0
_LARGE_LOG2 = 9.0
_PRIVATE_V4 = ("10.", "192.168.", "127.", "169.254.", *(f"172.{n}." for n in range(16, 32)))
_PRIVATE_V4_BEGINNINGS = frozenset(prefix[:3] for prefix in _PRIVATE_V4)
_PRIVATE_V6 = ("fc", "fd", "fe80:", "::1")
_V4_DOTS = 3
_PUBLIC_V4, _PUBLIC_V6, _PRIVATE_V4_CODE, _PRIVATE_V6_CODE, _NO_IP = range(5)
_IP_ROWS = packed([[0, 0], [0, 1], [1, 0], [1, 1], [_MISSING, _MISSING]])
_ABSENT, _PRESENT = packed([[0], [1]])
_NOT_COMPARABLE, _SAME, _DIFFERENT = packed([[_MISSING], [0], [1]])
_MANY_COUNTS = 4_096


def straight_log2(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return log2(1 + value) with straight lines between the powers of two; values are >= 0 or NaN.

    Exact to 0.09, monotone, and made of exact operations only, where a library's logarithm differs between CPUs in its last bit.
    """
    mantissa, exponent = np.frexp(values + 1.0)
    return exponent + (2.0 * mantissa - 2.0)


def _straight_log2_of(value: float) -> float:
    mantissa, exponent = math.frexp(value + 1.0)
    return exponent + (2.0 * mantissa - 2.0)


def _cycle(size: int, flagged: Sequence[int]) -> tuple[bytes, ...]:
    """Return rows of sine, cosine (six decimals, so that no library's last bit shows) and a flag."""
    angles = [2 * math.pi * step / size for step in range(size)]
    return packed([(round(math.sin(a), 6), round(math.cos(a), 6), step in flagged) for step, a in enumerate(angles)])


_HOURS = _cycle(24, _NIGHT_HOURS)
_WEEKDAYS = _cycle(7, range(_SATURDAY, 7))


def _fill_amount(columns: Columns, out: Matrix) -> None:
    if len(out) < FEW:
        out[:] = [_amount_row(*pair) for pair in zip(columns.amounts, columns.dollars, strict=True)]
        return
    dollars = np.array(columns.dollars)
    cents = np.rint(np.array(columns.amounts) * 100.0).astype(np.int64)
    magnitude, minor = straight_log2(dollars), cents % 100
    out[:, 0] = magnitude
    out[:, 1] = np.maximum(magnitude - _LARGE_LOG2, 0.0)
    out[:, 2] = minor / 100.0
    out[:, 3] = cents == 0
    out[:, 4] = (dollars <= _TINY_DOLLARS) & (cents > 0)
    out[:, 5] = (minor == 0) & (cents > 0)
    out[:, 6] = (cents % 10_000 == 0) & (cents > 0)
    out[:, 7] = minor == 99  # noqa: PLR2004


def _amount_row(amount: float, dollars: float) -> tuple[float, ...]:
    """Return what `_fill_amount` writes of one."""
    cents, magnitude = round(amount * 100.0), _straight_log2_of(dollars)
    minor, some = cents % 100, cents > 0
    return (
        magnitude,
        max(magnitude - _LARGE_LOG2, 0.0),
        minor / 100.0,
        not some,
        some and dollars <= _TINY_DOLLARS,
        some and minor == 0,
        some and cents % 10_000 == 0,
        minor == 99,  # noqa: PLR2004
    )


def _read_hours(columns: Columns) -> Iterable[bytes]:
    return map(_HOURS.__getitem__, columns["local_hour"])


def _read_weekdays(columns: Columns) -> Iterable[bytes]:
    return map(_WEEKDAYS.__getitem__, columns["local_weekday"])


def _currency_row(country: str | None, currency: str | None) -> bytes:
    home = HOME_CURRENCIES.get(country)
    if home is None or currency is None:
        return _NOT_COMPARABLE
    return _SAME if home == currency else _DIFFERENT


def _read_currency(columns: Columns) -> Iterable[bytes]:
    return map(_currency_row, columns["location_country"], columns["currency"])


def _ip_row(address: str | None) -> bytes:
    """Return one of `_IP_ROWS`. Looks at the address's beginning only: the schema does not promise a well-formed one."""
    if not address:
        return _IP_ROWS[_NO_IP]
    if ":" in address:
        return _IP_ROWS[_PRIVATE_V6_CODE if address.lower().startswith(_PRIVATE_V6) else _PUBLIC_V6]
    if address.count(".") != _V4_DOTS:
        return _IP_ROWS[_NO_IP]
    may_be_private = address[:3] in _PRIVATE_V4_BEGINNINGS
    return _IP_ROWS[_PRIVATE_V4_CODE if may_be_private and address.startswith(_PRIVATE_V4) else _PUBLIC_V4]


def _read_ip(columns: Columns) -> Iterable[bytes]:
    return map(_ip_row, columns["ip_address"])


def _presence(name: str, field: str) -> Pieces:
    return Pieces((name,), lambda columns: [_PRESENT if text else _ABSENT for text in columns[field]])


def _read_coordinates(columns: Columns) -> Iterable[bytes]:
    places = zip(columns["location_latitude"], columns["location_longitude"], strict=True)
    return [_ABSENT if latitude is None or longitude is None else _PRESENT for latitude, longitude in places]


class _Seniority(dict[int | None, bytes]):
    """Rows of counts of earlier transactions: logarithm, and whether it is the first. Kept for counts that come often."""

    def __missing__(self, count: int | None) -> bytes:
        row = (_MISSING, _MISSING) if count is None else (_straight_log2_of(count), count == 0)
        (found,) = packed([row])
        if count is None or count < _MANY_COUNTS:
            self[count] = found
        return found


_SENIORITY = _Seniority()


def _read_seniority(columns: Columns) -> Iterable[bytes]:
    return map(_SENIORITY.__getitem__, columns["previous_transactions_count"])


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
        joined(
            Pieces(("hour_sin", "hour_cos", "is_night"), _read_hours),
            Pieces(("weekday_sin", "weekday_cos", "is_weekend"), _read_weekdays),
            one_hot("category", CATEGORIES, "merchant_category"),
            one_hot("region", REGIONS, "location_country"),
            Pieces(("currency_differs_from_country",), _read_currency),
            one_hot("channel", CHANNELS, "channel"),
            one_hot("device", DEVICES, "device_type"),
            _presence("has_device_id", "device_id"),
            Pieces(("ip_is_private", "ip_is_v6"), _read_ip),
            _presence("has_merchant_id", "merchant_id"),
            _presence("has_card_id", "card_id"),
            Pieces(("has_coordinates",), _read_coordinates),
            Pieces(("previous_transactions_log2", "is_first_transaction"), _read_seniority),
        ),
    ),
)  # fmt: skip
