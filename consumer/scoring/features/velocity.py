"""The set `velocity/1`: `event/1`, and what the event means beside its user's and its merchant's past.

Only what IEEE 754 rounds correctly is used; sines and cosines are quantised, so that no library's last bit shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.block import Matrix, RecallBlock
from consumer.scoring.features.event import EVENT
from consumer.scoring.features.feature_set import FeatureSet
from consumer.scoring.features.user_history import RAW_WIDTH
from schemas.history import MERCHANT_WINDOW_DAYS

_Floats = npt.NDArray[np.float64]
_T = TypeVar("_T", float, _Floats)
WINDOWS = ("10m", "1h", "1d", "7d", "30d")
_MERCHANT_WINDOWS = tuple(f"{days}d" for days in MERCHANT_WINDOW_DAYS)
_EARTH_RADIUS_KM = 6371.0
_QUANTUM = 2.0**30
_SHORTEST_S = 1.0
_TOTALS, _COMPARED, _DEGREES, _SECONDS = slice(0, 10), slice(10, 19), slice(19, 23), 23
_THERE, _HERE = slice(0, 2), slice(2, 4)
_COUNTS, _FRAUDS = slice(RAW_WIDTH, RAW_WIDTH + 3), slice(RAW_WIDTH + 3, RAW_WIDTH + 6)


def _fill_totals(recalled: _Floats, out: Matrix) -> None:
    counts, cents = recalled[_TOTALS][::2], recalled[_TOTALS][1::2]
    out[::3] = counts
    out[1::3] = cents / 100.0
    out[2::3] = cents / counts / 100.0


def _totals_row(seen: Sequence[float]) -> Iterable[float]:
    totals = iter(seen[_TOTALS])
    for count, cents in zip(totals, totals, strict=True):
        yield from (count, cents / 100.0, cents / count / 100.0)


def _fill_compared(recalled: _Floats, out: Matrix) -> None:
    out[:] = recalled[_COMPARED]


def _compared_row(seen: Sequence[float]) -> Iterable[float]:
    return seen[_COMPARED]


def _fill_places(recalled: _Floats, out: Matrix) -> None:
    sines, cosines = _sine_cosine(recalled[_DEGREES])
    there, here = (_unit_vector(*sines[pair], *cosines[pair]) for pair in (_THERE, _HERE))
    (x, y, z) = (a - b for a, b in zip(here, there, strict=True))
    distance = _EARTH_RADIUS_KM * np.sqrt(x * x + y * y + z * z)
    out[0] = distance
    out[1] = distance / np.maximum(recalled[_SECONDS], _SHORTEST_S) * 3600.0


def _places_row(seen: Sequence[float]) -> Iterable[float]:
    seconds = seen[_SECONDS]
    if math.isnan(seconds):
        return math.nan, math.nan
    sines, cosines = (found.tolist() for found in _sine_cosine(np.array(seen[_DEGREES])))
    there, here = (_unit_vector(*sines[pair], *cosines[pair]) for pair in (_THERE, _HERE))
    (x, y, z) = (a - b for a, b in zip(here, there, strict=True))
    distance = _EARTH_RADIUS_KM * math.sqrt(x * x + y * y + z * z)
    return distance, distance / max(seconds, _SHORTEST_S) * 3600.0


def _unit_vector(sin_lat: _T, sin_lon: _T, cos_lat: _T, cos_lon: _T) -> tuple[_T, _T, _T]:
    """Return x, y, z on the unit sphere; a chord between two such points is within 0.4 % of the arc below 2,000 km."""
    return cos_lat * cos_lon, cos_lat * sin_lon, sin_lat


def _sine_cosine(degrees: _Floats) -> tuple[_Floats, _Floats]:
    radians = np.radians(degrees)
    return np.rint(np.sin(radians) * _QUANTUM) / _QUANTUM, np.rint(np.cos(radians) * _QUANTUM) / _QUANTUM


def _fill_merchant(recalled: _Floats, out: Matrix) -> None:
    counts, frauds = recalled[_COUNTS], recalled[_FRAUDS]
    out[:3] = counts
    # Frauds count however late they were decided, transactions only in time: after a long standstill there may be more of the former.
    out[3:] = np.minimum(frauds, counts) / np.where(counts == 0, np.nan, counts)


def _merchant_row(seen: Sequence[float]) -> Iterable[float]:
    counts, frauds = seen[_COUNTS], seen[_FRAUDS]
    return *counts, *(min(f, c) / c if c else math.nan for f, c in zip(frauds, counts, strict=True))


VELOCITY = FeatureSet(
    "velocity/1",
    EVENT.blocks,
    (
        RecallBlock(
            tuple(f"user_{what}_{window}" for window in WINDOWS for what in ("count", "sum", "mean")), _fill_totals, _totals_row
        ),
        RecallBlock(
            (
                "user_amount_ratio_7d", "user_amount_z_7d", "user_amount_ratio_30d", "user_amount_z_30d",
                "user_large_count_14d", "user_seconds_since_last", "user_new_device", "user_new_country", "user_new_merchant",
            ),
            _fill_compared, _compared_row,
        ),
        RecallBlock(("user_distance_km", "user_speed_kmh"), _fill_places, _places_row),
        RecallBlock(
            (
                *(f"merchant_count_{window}" for window in _MERCHANT_WINDOWS),
                *(f"merchant_fraud_share_{window}" for window in _MERCHANT_WINDOWS),
            ),
            _fill_merchant, _merchant_row,
        ),
    ),
)  # fmt: skip
