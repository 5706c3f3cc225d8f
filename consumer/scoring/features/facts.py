"""The facts that histories hold, from transactions: new ones, decided ones, and what the ledger remembers."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import starmap
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.columns import Columns
from consumer.scoring.features.places import DOLLAR_VALUES
from consumer.scoring.features.texts import TextCodes
from schemas.history import PastTransaction

MOST_CENTS = 10**12
"""Ten billion dollars: amounts above count as this, so that totals stay exact."""
WIDTH = 7
"""Numbers of a fact: event_ms, cents, merchant, country, device, latitude, longitude. All whole ones are exact in a float64."""
FACT_BYTES = 8 * WIDTH
Numbers: TypeAlias = npt.NDArray[np.float64]
"""Facts without their ids, shape [N, WIDTH]."""
_NOWHERE = (math.nan, math.nan)


class Fact(NamedTuple):
    """What a transaction leaves behind. `cents` are whole US cents; texts stand as their `TextCodes`; NaN coordinates are missing ones."""

    event_ms: int
    transaction_id: str
    cents: int
    merchant: int
    country: int
    device: int
    latitude: float
    longitude: float

    @property
    def numbers(self) -> array[float]:
        """All but the id, see `WIDTH`."""
        return array("d", (self[0], *self[2:]))


def cents_of(amounts: Sequence[float], currencies: Sequence[str | None]) -> list[int]:
    """Return whole US cents: round-half-even(amount x dollar value x 100), at most 10^12."""
    values = np.array([DOLLAR_VALUES[currency] for currency in currencies], np.float64)
    found: list[int] = _cents(np.array(amounts, np.float64) * values).astype(np.int64).tolist()
    return found


def facts_of(columns: Columns, codes: TextCodes) -> list[Fact]:
    """Return the facts of new or decided transactions, in their order."""
    cents = [min(round(dollars * 100.0), MOST_CENTS) for dollars in columns.dollars]
    texts = (map(codes.__getitem__, columns[name]) for name in ("merchant_id", "location_country", "device_id"))
    places = starmap(_place, zip(columns["location_latitude"], columns["location_longitude"], strict=True))
    rows = zip(columns.event_ms, columns["transaction_id"], cents, *texts, places, strict=True)
    return [Fact(*row, *place) for *row, place in rows]


def numbers_of(columns: Columns, codes: TextCodes) -> Numbers:
    """Return the same without the ids, for many at once."""
    found = np.empty((len(columns), WIDTH))
    found[:, 0] = columns.event_ms
    found[:, 1] = _cents(np.array(columns.dollars))
    _fill_texts_and_places(found, columns, codes)
    return found


def past_numbers(past: Sequence[PastTransaction], codes: TextCodes) -> Numbers:
    """Return the same of at least one transaction that the ledger remembers."""
    columns = dict(zip(PastTransaction._fields, zip(*past, strict=True), strict=True))
    found = np.empty((len(past), WIDTH))
    found[:, 0] = columns["event_ms"]
    found[:, 1] = cents_of(columns["amount"], columns["currency"])
    _fill_texts_and_places(found, columns, codes)
    return found


def _fill_texts_and_places(found: Numbers, columns: Any, codes: TextCodes) -> None:
    for number, name in enumerate(("merchant_id", "location_country", "device_id"), 2):
        found[:, number] = list(map(codes.__getitem__, columns[name]))
    found[:, 5] = columns["location_latitude"]
    found[:, 6] = columns["location_longitude"]
    found[np.isnan(found[:, 5]) | np.isnan(found[:, 6]), 5:] = np.nan


def _cents(dollars: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.minimum(np.rint(dollars * 100.0), MOST_CENTS)


def _place(latitude: float | None, longitude: float | None) -> tuple[float, float]:
    return _NOWHERE if latitude is None or longitude is None else (latitude, longitude)
