"""The features of a whole batch of parsed events, as somebody who knows numpy computes them: a column at a time."""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.places import DOLLAR_VALUES, REGIONS
from consumer.scoring.features.words import CATEGORIES, CHANNELS, DEVICES
from tests.bench.peers.row_features import (
    CATEGORY_ROWS,
    CHANNEL_ROWS,
    DEVICE_ROWS,
    HOURS,
    NAN,
    REGION_ROWS,
    WEEKDAYS,
    address_features,
    differs,
)

Event = dict[str, Any]
Numbers = npt.NDArray[np.float64]
_TABLES = {
    name: np.array(rows, np.float32)
    for name, rows in {
        "hour": HOURS,
        "weekday": WEEKDAYS,
        "category": CATEGORY_ROWS,
        "region": REGION_ROWS,
        "channel": CHANNEL_ROWS,
        "device": DEVICE_ROWS,
    }.items()
}


def feature_matrix(events: list[Event]) -> npt.NDArray[np.float32]:
    """Return the features of event/1, [N, 56] in float32."""
    places = [event.get("location") or {} for event in events]
    devices = [event.get("device_info") or {} for event in events]
    counts = [event.get("previous_transactions_count") for event in events]
    earlier = np.array([NAN if count is None else count for count in counts])
    columns = [
        *_amount_columns(events),
        _TABLES["hour"][[_hour(event) for event in events]],
        _TABLES["weekday"][[_weekday(event) for event in events]],
        _TABLES["category"][[CATEGORIES[event.get("merchant_category")] for event in events]],
        _TABLES["region"][[REGIONS[place.get("country")] for place in places]],
        [differs(p.get("country"), e.get("currency")) for p, e in zip(places, events, strict=True)],
        _TABLES["channel"][[CHANNELS[event.get("channel")] for event in events]],
        _TABLES["device"][[DEVICES[device.get("device_type")] for device in devices]],
        [bool(device.get("device_id")) for device in devices],
        np.array([address_features(device.get("ip_address")) for device in devices]),
        [bool(event.get("merchant_id")) for event in events],
        [bool(event.get("card_id")) for event in events],
        [place.get("latitude") is not None and place.get("longitude") is not None for place in places],
        _log2(earlier),
        np.where(np.isnan(earlier), NAN, earlier == 0),
    ]
    return np.column_stack(columns).astype(np.float32)


def _amount_columns(events: list[Event]) -> list[Numbers | npt.NDArray[np.bool_]]:
    amounts = np.array(list(map(itemgetter("amount"), events)), np.float64)
    dollars = amounts * np.array([DOLLAR_VALUES[event.get("currency")] for event in events])
    cents = np.rint(amounts * 100.0).astype(np.int64)
    magnitude, minor, is_paid = _log2(dollars), cents % 100, cents > 0
    return [
        magnitude,
        np.maximum(magnitude - 9.0, 0.0),
        minor / 100.0,
        cents == 0,
        (dollars <= 2.0) & is_paid,
        (minor == 0) & is_paid,
        (cents % 10_000 == 0) & is_paid,
        minor == 99,
    ]


def _log2(values: Numbers) -> Numbers:
    mantissa, exponent = np.frexp(values + 1.0)
    return exponent + (2.0 * mantissa - 2.0)


def _hour(event: Event) -> int:
    hour: int | None = event.get("hour")
    return datetime.fromisoformat(event["timestamp"]).hour if hour is None else hour


def _weekday(event: Event) -> int:
    weekday: int | None = event.get("day_of_week")
    return datetime.fromisoformat(event["timestamp"]).weekday() if weekday is None else weekday
