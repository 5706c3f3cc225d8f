"""Merchants' hours in memory against counting one by one, in whichever order they come and after forgetting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.history import MerchantHour, MerchantWindows
from sinks.ledger.memory_merchants import MemoryMerchants

HOUR = 2_000
Hours = list[tuple[str, int]]
Frauds = list[tuple[str, int, int]]

_names = st.sampled_from(["a", "b"])
_hours = st.sampled_from([HOUR - 168 + edge for edge in (-721, -720, -300, -169, -168, -25, -24, -1, 0, 1, 200)])
_asked_hours = st.integers(HOUR - 30, HOUR + 30)


def counted(name: str, asked_hour: int, hours: Hours, frauds: Frauds) -> MerchantWindows:
    end = asked_hour - 168
    known = [(merchant, hour) for merchant, hour, known_hour in frauds if known_hour < asked_hour]
    one, seven, thirty = (
        [sum(merchant == name and end - length <= hour < end for merchant, hour in rows) for rows in (hours, known)]
        for length in (24, 168, 720)
    )
    return MerchantWindows((one[0], seven[0], thirty[0]), (one[1], seven[1], thirty[1]))


def filled(hours: Hours, frauds: Frauds) -> MemoryMerchants:
    merchants = MemoryMerchants()
    for transaction in hours:
        merchants.add(*transaction)
    for fraud in frauds:
        merchants.add_fraud(*fraud)
    return merchants


@given(
    st.lists(st.tuples(_names, _hours)),
    st.lists(st.tuples(_names, _hours, st.integers(HOUR - 40, HOUR + 40))),
    st.lists(st.tuples(_names, _asked_hours), min_size=1),
)
def test_windows_are_what_counting_one_by_one_gives(hours: Hours, frauds: Frauds, asked: Hours) -> None:
    merchants = filled(hours, frauds)

    for name, asked_hour in asked:
        assert merchants.windows(MerchantHour(name, asked_hour)) == counted(name, asked_hour, hours, frauds)


@given(
    st.lists(st.tuples(_names, _hours)),
    st.lists(st.tuples(_names, _hours, st.integers(HOUR - 40, HOUR + 40))),
    _hours,
    st.lists(st.tuples(_names, _hours)),
)
def test_what_is_forgotten_counts_no_more_and_all_else_does(
    hours: Hours, frauds: Frauds, before: int, added_later: Hours
) -> None:
    merchants = filled(hours, frauds)

    merchants.forget_before(before)
    for transaction in added_later:
        merchants.add(*transaction)

    kept = [*(row for row in hours if row[1] >= before), *added_later]
    kept_frauds = [row for row in frauds if row[1] >= before]
    for name in "ab":
        assert merchants.windows(MerchantHour(name, HOUR)) == counted(name, HOUR, kept, kept_frauds)


def test_asking_for_a_merchant_does_not_make_it_known() -> None:
    merchants = MemoryMerchants()
    nothing = MerchantWindows((0, 0, 0), (0, 0, 0))

    assert merchants.windows(MerchantHour("a", HOUR)) == nothing
    merchants.add("b", HOUR - 169)
    assert merchants.windows(MerchantHour("a", HOUR)) == nothing
