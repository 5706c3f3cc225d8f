"""The oracles of the velocity features say what the definitions say: by hand on a few rows, and the same as each other on many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from tests.oracle import plain, relational
from tests.oracle.ledger_rows import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    NAMES,
    SECOND_MS,
    KnownFraud,
    LedgerRow,
    Vectors,
    differences,
)

Oracle = Callable[[Sequence[LedgerRow], Sequence[KnownFraud]], Vectors]
T = 20_500 * DAY_MS
"""A midnight, in ms since 1970."""
either = pytest.mark.parametrize("vectors", [plain.vectors, relational.vectors], ids=["plain", "relational"])


def a_row(number: int, event_ms: int, amount: float = 1.0, **facts: Any) -> LedgerRow:
    return LedgerRow(f"t-{number}", event_ms, facts.pop("user_id", "u-1"), amount, **facts)


def last(vectors: Oracle, rows: Sequence[LedgerRow], frauds: Sequence[KnownFraud] = ()) -> dict[str, float]:
    """The vector of the last row, by name."""
    return dict(zip(NAMES, vectors(rows, frauds)[-1].tolist(), strict=True))


@either
def test_a_first_transaction_has_windows_of_its_own_and_no_past(vectors: Oracle) -> None:
    found = last(
        vectors, [a_row(1, T, 12.5, merchant_id="m", country="DE", device_id="d", latitude=1.0, longitude=1.0)]
    )
    for window in ("10m", "1h", "1d", "7d", "30d"):
        assert [found[f"user_{what}_{window}"] for what in ("count", "sum", "mean")] == [1.0, 12.5, 12.5]
    assert [found[f"user_new_{what}"] for what in ("device", "country", "merchant")] == [1.0, 1.0, 1.0]
    assert found["user_large_count_14d"] == 0.0
    assert [found[f"merchant_count_{window}"] for window in ("1d", "7d", "30d")] == [0.0, 0.0, 0.0]
    assert {name for name, value in found.items() if math.isnan(value)} == {
        *(f"user_amount_{what}_{window}" for what in ("ratio", "z") for window in ("7d", "30d")),
        *("user_seconds_since_last", "user_distance_km", "user_speed_kmh"),
        *(f"merchant_fraud_share_{window}" for window in ("1d", "7d", "30d")),
    }


@either
@pytest.mark.parametrize(
    ("window", "width_ms"),
    [("10m", 10 * MINUTE_MS), ("1h", HOUR_MS), ("1d", DAY_MS), ("7d", 7 * DAY_MS), ("30d", 30 * DAY_MS)],
)
def test_a_window_is_open_where_it_begins_and_closed_where_it_ends(vectors: Oracle, window: str, width_ms: int) -> None:
    inside = [a_row(1, T - width_ms + 1, 2.0), a_row(2, T, 4.0)]
    outside = [a_row(3, T - width_ms, 100.0), a_row(4, T + 1, 100.0)]
    found = last(vectors, [*inside, *outside, a_row(5, T, 6.0)])
    assert [found[f"user_{what}_{window}"] for what in ("count", "sum", "mean")] == [3.0, 12.0, 4.0]


@either
def test_only_rows_of_the_user_that_were_committed_before_count(vectors: Oracle) -> None:
    rows = [a_row(1, T), a_row(2, T, user_id="u-2"), a_row(3, T - 1)]
    assert vectors(rows, ())[:, 0].tolist() == [1.0, 1.0, 1.0]


@either
def test_a_late_row_counts_for_what_is_committed_after_it(vectors: Oracle) -> None:
    found = last(vectors, [a_row(1, T), a_row(2, T - 5 * SECOND_MS), a_row(3, T + 1)])
    assert found["user_count_10m"] == 3.0
    assert found["user_seconds_since_last"] == pytest.approx(0.001)


@either
def test_ratio_and_z_score_compare_with_earlier_amounts(vectors: Oracle) -> None:
    rows = [a_row(n, T + n, amount) for n, amount in enumerate([10.0, 20.0, 30.0, 100.0])]
    found = last(vectors, rows)
    assert (found["user_amount_ratio_7d"], found["user_amount_z_7d"]) == (5.0, 8.0)  # mean 20, deviation 10
    assert (found["user_amount_ratio_30d"], found["user_amount_z_30d"]) == (5.0, 8.0)


@either
def test_earlier_amounts_beyond_seven_days_count_in_the_longer_window_only(vectors: Oracle) -> None:
    found = last(vectors, [a_row(1, T - 7 * DAY_MS, 30.0), a_row(2, T - 7 * DAY_MS + 1, 10.0), a_row(3, T, 10.0)])
    assert (found["user_amount_ratio_7d"], found["user_amount_ratio_30d"]) == (1.0, 0.5)


@either
def test_nothing_is_compared_with_zeros_or_without_deviation(vectors: Oracle) -> None:
    zeros = last(vectors, [a_row(n, T + n, 0.0) for n in range(3)])
    equal = last(vectors, [a_row(n, T + n, 7.0) for n in range(3)])
    assert math.isnan(zeros["user_amount_ratio_7d"])
    assert math.isnan(zeros["user_amount_z_7d"])
    assert equal["user_amount_ratio_7d"] == 1.0
    assert math.isnan(equal["user_amount_z_7d"])


@either
def test_money_is_whole_cents_of_a_dollar_and_bounded(vectors: Oracle) -> None:
    currencies = [("EUR", 10.0, 11.0), ("JPY", 1.0, 0.01), ("XXX", 1.0, 1.0), (None, 1.0, 1.0), ("USD", 9e15, 1e10)]
    for currency, amount, dollars in currencies:
        found = last(vectors, [a_row(1, T, amount, currency=currency)])
        assert found["user_sum_1h"] == pytest.approx(dollars, rel=1e-7)
    assert last(vectors, [a_row(1, T, 0.5, currency="SEK")])["user_sum_1h"] == pytest.approx(0.05)
    assert last(vectors, [a_row(1, T, 0.25, currency="SEK")])["user_sum_1h"] == pytest.approx(0.02)  # half to even


@either
def test_large_amounts_are_more_than_two_and_a_half_means_within_fourteen_days(vectors: Oracle) -> None:
    small = [a_row(n, T - 20 * DAY_MS + n, 1.0) for n in range(96)]
    large = [a_row(100, T - 14 * DAY_MS, 9.0), a_row(101, T - 14 * DAY_MS + 1, 9.0), a_row(102, T, 9.0)]
    assert last(vectors, [*small, *large])["user_large_count_14d"] == 2.0
    exactly = [a_row(1, T, 1.0), a_row(2, T, 1.0), a_row(3, T, 1.0), a_row(4, T, 5.0)]  # 2.5 x 2
    assert last(vectors, exactly)["user_large_count_14d"] == 0.0


@either
def test_what_was_seen_within_thirty_days_is_not_new(vectors: Oracle) -> None:
    facts: dict[str, Any] = {"device_id": "d", "country": "DE", "merchant_id": "m"}
    names = [f"user_new_{what}" for what in ("device", "country", "merchant")]
    known = last(vectors, [a_row(1, T - 30 * DAY_MS + 1, **facts), a_row(2, T, **facts)])
    too_old = last(vectors, [a_row(1, T - 30 * DAY_MS, **facts), a_row(2, T, **facts)])
    too_new = last(vectors, [a_row(1, T + 1, **facts), a_row(2, T, **facts)])
    empty = last(vectors, [a_row(1, T, device_id="", country="", merchant_id=""), a_row(2, T, device_id="")])
    assert [known[name] for name in names] == [0.0, 0.0, 0.0]
    assert [too_old[name] for name in names] == [1.0, 1.0, 1.0] == [too_new[name] for name in names]
    assert all(math.isnan(empty[name]) for name in names)


@either
def test_travel_is_measured_through_the_earth_from_the_last_place(vectors: Oracle) -> None:
    pole = a_row(1, T, latitude=90.0, longitude=13.0)
    unlocated = a_row(2, T + 1, latitude=50.0)
    found = last(vectors, [pole, unlocated, a_row(3, T + HOUR_MS, latitude=-90.0, longitude=77.0)])
    assert (found["user_distance_km"], found["user_speed_kmh"]) == (12_742.0, 12_742.0)
    at_once = last(vectors, [pole, a_row(3, T, latitude=0.0, longitude=77.0)])
    assert at_once["user_speed_kmh"] == pytest.approx(6371.0 * math.sqrt(2) * 3600)


@either
def test_of_two_places_at_the_same_time_the_greater_id_is_the_last(vectors: Oracle) -> None:
    near = LedgerRow(
        "t-\U00010000", T, "u-1", latitude=0.0, longitude=0.0
    )  # a surrogate pair in UTF-16, and less there
    far = LedgerRow("t-\uffff", T, "u-1", latitude=0.0, longitude=90.0)
    assert last(vectors, [near, far, a_row(3, T, latitude=0.0, longitude=0.0)])["user_distance_km"] == 0.0


@either
def test_only_the_two_thousand_newest_rows_are_the_history(vectors: Oracle) -> None:
    rows = [a_row(n, T + n) for n in range(2_005)]
    assert vectors([*rows, a_row(9_999, T + 2_005)], ())[-1, 12] == 2_001.0
    late = vectors([*rows, a_row(9_999, T + 9)], ())[-1]
    assert late[12] == 6.0  # itself and 5 to 9: 0 to 4 are too old, and most are later


@either
def test_merchants_are_seen_in_whole_hours_seven_days_ago(vectors: Oracle) -> None:
    hours = [-169 + 1, -169, -169 - 23, -169 - 24, -169 - 167, -169 - 168, -169 - 719, -169 - 720]
    rows = [a_row(n, T + h * HOUR_MS + 5, merchant_id="m", user_id=f"u-{n}") for n, h in enumerate(hours)]
    late_frauds = [KnownFraud(r.transaction_id, r.event_ms, T + HOUR_MS) for r in rows]
    frauds = [KnownFraud(rows[1].transaction_id, rows[1].event_ms, T - 1), KnownFraud("t-3", rows[3].event_ms, T)]
    found = last(vectors, [*rows, a_row(99, T + HOUR_MS - 1, merchant_id="m")], [*late_frauds, *frauds])
    assert [found[f"merchant_count_{window}"] for window in ("1d", "7d", "30d")] == [2.0, 4.0, 6.0]
    shares = [found[f"merchant_fraud_share_{window}"] for window in ("1d", "7d", "30d")]
    assert shares == pytest.approx([1 / 2, 1 / 4, 1 / 6])  # what was known in this very hour does not count yet
    assert math.isnan(last(vectors, [*rows, a_row(99, T)])["merchant_count_1d"])


@pytest.mark.parametrize("seed", range(3))
def test_both_oracles_say_the_same_of_many_rows(seed: int) -> None:
    chance = Random(seed)
    rows = list({(r.transaction_id, r.event_ms): r for r in (_any_row(chance) for _ in range(2_000))}.values())
    frauds = [
        KnownFraud(r.transaction_id, r.event_ms, r.event_ms + chance.randrange(20 * DAY_MS))
        for r in chance.sample(rows, 300)
    ]
    expected = plain.vectors(rows, frauds)
    assert list(differences(expected, relational.vectors(rows, frauds), rows)) == []


def _any_row(chance: Random) -> LedgerRow:
    days, minutes = chance.randrange(60) * DAY_MS, chance.randrange(200) * 10 * MINUTE_MS
    amounts = (0.0, 5.0, 9.9e15, round(chance.random() * 100, 2), round(chance.lognormvariate(3, 1.5), 2))
    return LedgerRow(
        f"t-{chance.randrange(3_000)}",
        T + chance.choice((days, minutes, days + minutes, days + chance.randrange(DAY_MS))),
        f"u-{chance.randrange(8)}",
        chance.choice(amounts),
        chance.choice((None, "USD", "EUR", "JPY", "XXX", "SEK")),
        chance.choice((None, "", "m-1", "m-2", "m-3")),
        chance.choice((None, "", "DE", "FR", "UA")),
        chance.choice((None, "", "d-1", "d-2", "d-3")),
        chance.choice((None, 50.1, -90.0, 33.3)),
        chance.choice((None, 0.0, 180.0, -77.1)),
    )
