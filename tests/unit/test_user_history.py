from __future__ import annotations

import math
from array import array
from itertools import count
from typing import Any

import pytest

from consumer.scoring.features.facts import Fact, cents_of
from consumer.scoring.features.texts import TextCodes
from consumer.scoring.features.user_history import DAY_MS, HOUR_MS, KEPT_MS, MINUTE_MS, UserHistory
from schemas.history import NEWEST

NOW = 1_780_000_000_000
_numbers = count()
_codes = TextCodes()


def a_fact(event_ms: int = NOW, cents: int = 100, name: str | None = None, **changes: Any) -> Fact:
    """A fact of its own id, with everything that one may have."""
    facts: dict[str, Any] = {
        "merchant": "m-1",
        "country": "DE",
        "device": "d-1",
        "latitude": 50.0,
        "longitude": 7.0,
        **changes,
    }
    for field in ("merchant", "country", "device"):
        facts[field] = _codes[facts[field]]
    return Fact(event_ms, name or f"t-{next(_numbers):06d}", cents, **facts)


def a_history(*facts: Fact) -> UserHistory:
    """The facts, added in the order given."""
    history = UserHistory(-math.inf)
    for fact in facts:
        history.add(fact)
    return history


def counts(history: UserHistory, event_ms: int = NOW) -> list[float]:
    """How many of 10 minutes, 1 hour, 1, 7 and 30 days, the asking event included."""
    return list(history.recall(a_fact(event_ms))[:10:2])


def equal(left: tuple[float, ...], right: tuple[float, ...]) -> bool:
    """NaN is equal to NaN here."""
    return repr(tuple(map(float, left))) == repr(tuple(map(float, right)))


def test_whoever_has_no_past_sees_only_itself() -> None:
    seen = UserHistory(-math.inf).recall(a_fact(cents=250))
    assert seen[:10] == (1, 250) * 5
    assert all(map(math.isnan, seen[10:14]))
    assert seen[14] == 0
    assert math.isnan(seen[15])
    assert seen[16:19] == (1, 1, 1)
    assert all(map(math.isnan, seen[19:]))


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (0, [2, 2, 2, 2, 2]),
        (10 * MINUTE_MS - 1, [2, 2, 2, 2, 2]),
        (10 * MINUTE_MS, [1, 2, 2, 2, 2]),
        (HOUR_MS, [1, 1, 2, 2, 2]),
        (DAY_MS, [1, 1, 1, 2, 2]),
        (7 * DAY_MS, [1, 1, 1, 1, 2]),
        (30 * DAY_MS - 1, [1, 1, 1, 1, 2]),
        (30 * DAY_MS, [1, 1, 1, 1, 1]),
    ],
)
def test_a_window_holds_what_is_younger_than_its_length_and_not_what_is_as_old(
    age_ms: int, expected: list[int]
) -> None:
    assert counts(a_history(a_fact(NOW - age_ms))) == expected


def test_what_happened_later_is_not_in_the_windows_of_an_event_that_comes_late() -> None:
    history = a_history(a_fact(NOW - HOUR_MS), a_fact(NOW + 1), a_fact(NOW + HOUR_MS))
    assert counts(history) == [1, 1, 2, 2, 2]


def test_a_late_event_is_counted_in_the_windows_that_it_belongs_to() -> None:
    history = a_history(a_fact(NOW - MINUTE_MS))
    history.add(a_fact(NOW - 3 * DAY_MS))
    assert counts(history) == [2, 2, 2, 3, 3]


def test_totals_are_the_same_in_whatever_order_facts_came() -> None:
    facts = [a_fact(NOW - k * 7_777_777, cents=k * k * 10**9 + k) for k in range(1, 40)]
    asking = a_fact(cents=12_345)
    forward, backward = a_history(*facts), a_history(*reversed(facts))
    ascending = sorted(facts)
    numbers = array("d", [number for fact in ascending for number in fact.numbers])
    loaded = UserHistory(0, [fact.transaction_id for fact in ascending], numbers.tobytes())
    assert equal(forward.recall(asking), backward.recall(asking))
    assert equal(forward.recall(asking), loaded.recall(asking))


def test_a_fact_that_is_there_is_not_added_again() -> None:
    fact = a_fact(NOW - 5)
    history = a_history(fact)
    assert not history.add(fact._replace(cents=999))
    assert len(history) == 1
    assert history.recall(a_fact())[1] == 200


def test_equal_times_are_kept_apart_by_their_ids() -> None:
    twins = [a_fact(NOW, name=name) for name in ("b", "a", "c")]
    history = a_history(*twins)
    assert len(history) == 3
    assert counts(history) == [4, 4, 4, 4, 4]


def test_taking_a_fact_back_leaves_no_trace() -> None:
    kept = [a_fact(NOW - 2 * DAY_MS, cents=70), a_fact(NOW - 3, cents=30, device="d-2")]
    gone = [a_fact(NOW - DAY_MS, merchant="m-9", country="FR"), a_fact(NOW - 1, device="d-9", latitude=1.0)]
    history = a_history(*kept, *gone)
    for fact in gone:
        history.remove(fact.event_ms, fact.transaction_id)
    asking = a_fact(merchant="m-9", country="FR", device="d-9")
    assert equal(history.recall(asking), a_history(*kept).recall(asking))


def test_ratio_and_z_score_leave_the_current_amount_out() -> None:
    history = a_history(*(a_fact(NOW - k * DAY_MS, cents=cents) for k, cents in enumerate((100, 200, 300), 1)))
    ratio, z = history.recall(a_fact(cents=400))[10:12]
    assert ratio == 2.0
    assert z == pytest.approx(2.0)  # (400 - 200) / 100, the sample's deviation


def test_there_is_no_z_score_against_one_amount_or_equal_ones_and_no_ratio_against_nothing() -> None:
    one = a_history(a_fact(NOW - 5, cents=100)).recall(a_fact(cents=100))
    same = a_history(a_fact(NOW - 5, cents=70), a_fact(NOW - 6, cents=70)).recall(a_fact())
    free = a_history(a_fact(NOW - 5, cents=0)).recall(a_fact())
    assert (one[10], math.isnan(one[11])) == (1.0, True)
    assert math.isnan(same[11])
    assert math.isnan(free[10])
    assert math.isnan(free[11])


def test_an_amount_is_large_above_two_and_a_half_times_the_mean_of_thirty_days() -> None:
    small = [a_fact(NOW - k * HOUR_MS, cents=100) for k in range(1, 9)]
    # nine of 100 and one of x: x > 2.5 (900 + x) / 10 from x = 301 on
    assert a_history(*small, a_fact(NOW - DAY_MS, cents=300)).recall(a_fact(cents=100))[14] == 0
    assert a_history(*small, a_fact(NOW - DAY_MS, cents=301)).recall(a_fact(cents=100))[14] == 1
    assert a_history(*small, a_fact(NOW - 14 * DAY_MS, cents=301)).recall(a_fact(cents=100))[14] == 0
    assert a_history(*small, a_fact(NOW - DAY_MS, cents=100)).recall(a_fact(cents=400))[14] == 1


def test_a_device_is_new_until_it_was_seen_within_thirty_days_before() -> None:
    asking = a_fact(device="d-2")
    for age_ms, is_new in ((1, False), (30 * DAY_MS - 1, False), (30 * DAY_MS, True), (-1, True)):
        other, same = a_fact(NOW - 60), a_fact(NOW - age_ms, device="d-2")
        assert a_history(*sorted((other, same))).recall(asking)[16] == is_new
    later_too = a_history(a_fact(NOW - 9, device="d-2"), a_fact(NOW + 9, device="d-2"))
    assert later_too.recall(asking)[16] == 0


def test_what_an_event_does_not_say_is_neither_new_nor_known() -> None:
    asking = a_fact(device=None, country=None, merchant=None, latitude=math.nan)
    silent = a_history(a_fact(NOW - 9, device=None, country=None, merchant=None)).recall(asking)
    assert all(map(math.isnan, silent[16:]))


def test_places_are_compared_with_the_last_located_fact() -> None:
    history = a_history(
        a_fact(NOW - 9_000, latitude=1.0, longitude=2.0),
        a_fact(NOW - 5_000, latitude=math.nan, longitude=math.nan),
        a_fact(NOW + 5_000, latitude=8.0, longitude=9.0),
    )
    assert history.recall(a_fact(latitude=3.0, longitude=4.0))[19:] == (1.0, 2.0, 3.0, 4.0, 9.0)


def test_only_the_newest_count_however_many_there_are() -> None:
    history = a_history(*(a_fact(NOW - k * MINUTE_MS) for k in range(NEWEST + 5, 0, -1)))
    assert counts(history)[-1] == NEWEST + 1
    first_seen = a_history(a_fact(NOW - DAY_MS, device="d-0"), *(a_fact(NOW - k) for k in range(NEWEST, 0, -1)))
    assert first_seen.recall(a_fact(device="d-0"))[16] == 1


def test_pruning_changes_nothing_that_an_event_within_a_week_can_see() -> None:
    facts = [a_fact(NOW - k * 3 * HOUR_MS, cents=k, device=f"d-{k % 50}") for k in range(500, 0, -1)]
    whole, pruned = a_history(*facts), a_history(*facts)
    assert pruned.prune() > 100
    assert pruned.since_ms == facts[-1].event_ms - KEPT_MS
    for late_ms in (0, DAY_MS, 7 * DAY_MS):
        asking = a_fact(NOW - late_ms, device="d-7")
        assert equal(whole.recall(asking), pruned.recall(asking))


def test_the_greatest_amounts_are_compared_to_the_last_cent() -> None:
    past = [10**12 - k * k for k in range(1, 31)]
    history = a_history(*(a_fact(NOW - k * HOUR_MS, cents=cents) for k, cents in enumerate(past, 1)))
    seen = history.recall(a_fact(cents=10**12))
    spread = 30 * sum(cents * cents for cents in past) - sum(past) ** 2
    assert seen[8:10] == (31, sum(past) + 10**12)
    assert seen[13] == (30 * 10**12 - sum(past)) / 30 / math.sqrt(spread / (30 * 29))


def test_a_history_is_crowded_when_it_grew_by_a_quarter_since_it_was_pruned() -> None:
    history = a_history(*(a_fact(NOW + k) for k in range(100)))
    assert history.is_crowded
    history.prune()
    for k in range(25):
        assert not history.is_crowded
        history.add(a_fact(NOW + 100 + k))
    assert history.is_crowded


def test_cents_are_dollars_rounded_half_to_even_and_bounded() -> None:
    assert cents_of([0.125, 0.375, 1e15, 1.1], [None, "USD", "USD", "EUR"]) == [12, 38, 10**12, 121]
