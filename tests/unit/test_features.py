"""The feature set `event/1`."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.scoring.features import EVENT, FEATURE_SETS
from consumer.scoring.features.event import straight_log2
from schemas.decode import Unknown, decode
from schemas.transaction import Transaction
from tests.scoring_builders import a_bare_transaction, a_transaction, an_event


def values(transaction: Transaction) -> dict[str, float]:
    return dict(zip(EVENT.names, EVENT.compute([transaction])[0].tolist(), strict=True))


def value(name: str, **changes: Any) -> float:
    return values(a_transaction(**changes))[name]


words = (
    st.none()
    | st.sampled_from(["", "grocery", "Gift Card", "DE", "us", "online", "10.0.0.1", "fe80::1", "5411"])
    | st.text(max_size=12)
)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


events = st.builds(
    lambda cents, fields: an_event(amount=cents / 100, **fields),
    st.integers(0, 10**13),
    optional(
        currency=st.none() | st.sampled_from(["EUR", "USD", "JPY", "XXX"]),
        merchant_category=words,
        channel=words,
        location=optional(country=words, latitude=st.none() | st.floats(-90, 90), longitude=st.floats(-180, 180)),
        device_info=optional(device_type=words, device_id=words, ip_address=words),
        hour=st.integers(0, 23),
        day_of_week=st.integers(0, 6),
        previous_transactions_count=st.none() | st.integers(0, 2**31 - 1),
    ),
)
transactions = events.filter(lambda event: "\\u0000" not in json.dumps(event)).map(
    lambda event: decode(json.dumps(event).encode(), Unknown())
)


@settings(deadline=None)
@given(st.lists(transactions, min_size=1, max_size=40))
def test_a_row_is_the_same_bits_alone_and_in_any_batch(batch: list[Transaction]) -> None:
    together = EVENT.compute(batch)
    assert together.tobytes() == b"".join(EVENT.compute([transaction]).tobytes() for transaction in batch)


@settings(deadline=None)
@given(transactions)
def test_every_value_is_finite_or_the_one_canonical_nan(transaction: Transaction) -> None:
    row = EVENT.compute([transaction])[0]
    assert set(row[~np.isfinite(row)].view(np.uint32).tolist()) <= {0x7FC00000}


def test_the_matrix_is_float32_in_c_order_with_a_column_per_name() -> None:
    matrix = EVENT.compute([a_transaction()] * 3)
    assert matrix.dtype == np.float32
    assert matrix.shape == (3, len(EVENT.names))
    assert matrix.flags.c_contiguous


def test_no_transactions_give_no_rows() -> None:
    assert EVENT.compute([]).shape == (0, len(EVENT.names))


def test_names_are_unique_and_sets_are_registered_under_their_own_name() -> None:
    assert all(len(set(found.names)) == len(found.names) for found in FEATURE_SETS.values())
    assert all(name == found.name for name, found in FEATURE_SETS.items())


def test_a_bare_event_has_only_what_needs_no_optional_field() -> None:
    present = {name for name, value in values(a_bare_transaction()).items() if not math.isnan(value)}
    assert present == {
        *(
            "amount_log2",
            "amount_log2_above_512",
            "amount_cents",
            "amount_is_zero",
            "amount_is_tiny",
            "amount_is_whole",
        ),
        *("amount_is_whole_hundreds", "amount_ends_in_99", "hour_sin", "hour_cos", "is_night"),
        *("weekday_sin", "weekday_cos", "is_weekend", "has_device_id"),
        *("has_merchant_id", "has_card_id", "has_coordinates"),
    }


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, {"amount_log2": 0.0, "amount_is_zero": 1.0, "amount_is_whole": 0.0, "amount_is_tiny": 0.0}),
        (1.99, {"amount_is_tiny": 1.0, "amount_ends_in_99": 1.0, "amount_cents": np.float32(0.99)}),
        (2.01, {"amount_is_tiny": 0.0, "amount_cents": np.float32(0.01)}),
        (0.29, {"amount_cents": np.float32(0.29), "amount_is_whole": 0.0}),
        (
            1023,
            {
                "amount_log2": 10.0,
                "amount_log2_above_512": 1.0,
                "amount_is_whole": 1.0,
                "amount_is_whole_hundreds": 0.0,
            },
        ),
        (500, {"amount_log2_above_512": 0.0, "amount_is_whole_hundreds": 1.0}),
    ],
)
def test_amounts_are_read_as_dollars_cents_and_roundness(amount: float, expected: dict[str, float]) -> None:
    found = values(a_transaction(amount=amount, currency="USD"))
    assert {name: found[name] for name in expected} == expected


def test_the_magnitude_follows_the_currency() -> None:
    assert value("amount_log2", amount=7000, currency="JPY") == pytest.approx(math.log2(50), abs=0.1)
    assert value("amount_log2", amount=7000, currency=None) == value("amount_log2", amount=7000, currency="XXX")


@settings(deadline=None)
@given(st.floats(0, 1e18), st.floats(0, 1e18))
def test_the_straight_logarithm_is_monotone_and_close(one: float, other: float) -> None:
    low, high = straight_log2(np.array(sorted((one, other))))
    assert low <= high
    assert abs(high - math.log2(1 + max(one, other))) < 0.0861


@pytest.mark.parametrize(("hour", "night"), [(0, 1.0), (5, 1.0), (6, 0.0), (23, 0.0)])
def test_night_ends_at_six(hour: int, night: float) -> None:
    assert value("is_night", hour=hour) == night


@pytest.mark.parametrize(("day", "weekend"), [(0, 0.0), (4, 0.0), (5, 1.0), (6, 1.0)])
def test_saturday_and_sunday_are_the_weekend(day: int, weekend: float) -> None:
    assert value("is_weekend", day_of_week=day) == weekend


def test_hours_lie_on_a_circle() -> None:
    points = [(value("hour_sin", hour=hour), value("hour_cos", hour=hour)) for hour in range(24)]
    steps = [math.dist(point, points[hour - 1]) for hour, point in enumerate(points)]
    assert steps == pytest.approx([2 * math.sin(math.pi / 24)] * 24, abs=1e-5)


def test_the_local_time_of_the_sender_beats_the_timestamp() -> None:
    assert value("is_night", timestamp="2026-03-02T14:30:00Z", hour=3) == 1.0


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("grocery", "category_grocery"),
        ("SUPERMARKET", "category_grocery"),
        (" Gift-Card ", "category_money"),
        ("7995", "category_gambling"),
        ("basket weaving", "category_other"),
    ],
)
def test_a_category_has_one_hot_column_however_it_is_written(written: str, column: str) -> None:
    found = values(a_transaction(merchant_category=written))
    assert [name for name in EVENT.names if name.startswith("category_") and found[name] == 1.0] == [column]
    assert sum(found[name] for name in EVENT.names if name.startswith("category_")) == 1.0


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_a_blank_word_is_missing_and_not_other(blank: str | None) -> None:
    assert math.isnan(value("channel_other", channel=blank))
    assert math.isnan(value("channel_online", channel=blank))


@pytest.mark.parametrize(
    ("country", "currency", "differs"),
    [
        ("DE", "EUR", 0.0),
        ("DE", "USD", 1.0),
        ("UK", "GBP", 0.0),
        ("XX", "EUR", math.nan),
        (None, "EUR", math.nan),
        ("DE", None, math.nan),
    ],
)
def test_a_currency_is_compared_with_the_countrys(country: str | None, currency: str | None, differs: float) -> None:
    found = value("currency_differs_from_country", location={"country": country}, currency=currency)
    assert found == pytest.approx(differs, nan_ok=True)


@pytest.mark.parametrize(
    ("address", "private", "v6"),
    [
        ("203.0.113.9", 0.0, 0.0),
        ("10.1.2.3", 1.0, 0.0),
        ("172.16.0.1", 1.0, 0.0),
        ("172.32.0.1", 0.0, 0.0),
        ("2001:db8::1", 0.0, 1.0),
        ("FE80::1", 1.0, 1.0),
        ("nonsense", math.nan, math.nan),
        ("", math.nan, math.nan),
    ],
)
def test_addresses_tell_private_from_public_and_their_version(address: str, private: float, v6: float) -> None:
    found = values(a_transaction(device_info={"ip_address": address}))
    assert (found["ip_is_private"], found["ip_is_v6"]) == pytest.approx((private, v6), nan_ok=True)


@pytest.mark.parametrize(
    ("place", "has"),
    [({"latitude": 0, "longitude": 0}, 1.0), ({"latitude": 1.5}, 0.0), ({"longitude": 1.5}, 0.0), (None, 0.0)],
)
def test_coordinates_count_only_as_a_pair(place: dict[str, float] | None, has: float) -> None:
    assert value("has_coordinates", location=place) == has


@pytest.mark.parametrize(
    ("count", "log2", "first"), [(0, 0.0, 1.0), (1, 1.0, 0.0), (7, 3.0, 0.0), (None, math.nan, math.nan)]
)
def test_seniority_comes_from_the_senders_count(count: int | None, log2: float, first: float) -> None:
    found = values(a_transaction(previous_transactions_count=count))
    assert (found["previous_transactions_log2"], found["is_first_transaction"]) == pytest.approx(
        (log2, first), nan_ok=True
    )


def test_an_event_without_a_category_still_has_three_quarters_of_its_features() -> None:
    assert np.isnan(EVENT.compute([a_transaction(merchant_category=None)])).mean() <= 0.25
