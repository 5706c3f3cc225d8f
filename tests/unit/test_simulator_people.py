from __future__ import annotations

from collections import Counter
from itertools import pairwise
from statistics import fmean, median

import numpy as np
import pytest

from producers.simulator.lookalikes import FAIR, GAME_EVENING, HOLIDAY_SHOPPING, LOOKALIKES, NEW_PHONE_ABROAD
from producers.simulator.places import PLACES
from producers.simulator.rhythm import HOUR_MS, Calendar
from tests.simulated import DAYS, Row, grouped, homes, rows, span_s

_DAY_S = 86_400
_CURRENCIES = {place.country: place.currency for place in PLACES}


def at_counters(kind: str) -> list[Row]:
    return [row for row in rows(kind) if row.event.get("channel") == "card_present"]


def test_a_few_customers_make_much_of_the_traffic_and_some_hardly_any() -> None:
    counts = sorted(Counter(row.user for row in rows()).values(), reverse=True)

    assert 0.25 < sum(counts[: len(counts) // 10]) / sum(counts) < 0.5
    assert median(counts) < 0.8 * fmean(counts)


def test_a_few_merchants_have_much_of_the_traffic() -> None:
    counts = sorted(Counter(row.merchant for row in rows() if row.merchant).values(), reverse=True)

    assert 0.25 < sum(counts[: len(counts) // 10]) / sum(counts) < 0.7


def test_customers_come_back_to_their_favourite_merchants() -> None:
    seen = [group for group in grouped(rows("plain"), "user").values() if len(group) >= 40]
    best = [Counter(row.merchant for row in group).most_common(5) for group in seen]
    shares = [sum(count for _, count in top) / len(group) for top, group in zip(best, seen, strict=True)]

    assert median(shares) > 0.4


def test_customers_differ_in_what_they_spend_and_when() -> None:
    groups = [group for group in grouped(rows("plain"), "user").values() if len(group) >= 60]
    levels = [np.log([row.dollars for row in group if row.dollars]).mean() for group in groups]
    hours = [Counter(row.event["hour"] // 6 for row in group if row.event.get("hour") is not None) for group in groups]

    assert np.std(levels) > 0.25
    assert len({count.most_common(1)[0][0] for count in hours}) >= 3
    assert fmean(row.event["hour"] < 5 for row in rows("plain") if row.event.get("hour") is not None) < 0.12


def test_people_travel_for_days_instead_of_jumping_for_one_purchase() -> None:
    trips = list[list[Row]]()
    for (user,), group in grouped((row for row in at_counters("plain") if row.country), "user").items():
        for before, row in pairwise(group):
            if row.country == homes()[user]:
                continue
            if trips and before is trips[-1][-1] and before.country == row.country:
                trips[-1].append(row)
            else:
                trips.append([row])

    assert len(trips) > 50
    assert fmean(len(trip) > 1 for trip in trips) > 0.4
    assert max(map(span_s, trips)) > 5 * _DAY_S
    away = sum(map(len, trips)) / len(at_counters("plain"))
    assert 0.005 < away < 0.1


def test_nobody_is_at_two_distant_counters_within_minutes() -> None:
    quick = [
        (a, b)
        for group in grouped((row for row in at_counters("plain") if row.country), "user").values()
        for a, b in pairwise(group)
        if b.seconds - a.seconds < 30 * 60
    ]

    assert len(quick) > 500
    assert fmean(a.country != b.country for a, b in quick) < 0.002


def test_genuine_people_pay_in_foreign_currencies_too() -> None:
    known = [row for row in rows("genuine") if row.country and row.event.get("currency")]

    assert 0.04 < fmean(row.event["currency"] != _CURRENCIES[row.country or ""] for row in known) < 0.15
    local = [
        row.event["currency"] == _CURRENCIES[row.country or ""] for row in known if row.country != homes()[row.user]
    ]
    assert fmean(local) > 0.3


def test_customers_get_new_phones_and_use_the_devices_of_others() -> None:
    own = [row for row in rows("plain") if row.event.get("channel") in {"online", "mobile"}]
    late_news = 0
    for group in grouped(own, "user", "device").values():
        late_news += group[0].seconds - rows()[0].seconds > DAYS / 2 * _DAY_S
    assert 0.01 < late_news / len(own) < 0.1


def test_some_seem_to_be_elsewhere_online_all_the_time() -> None:
    online = [row for row in rows("plain") if row.event.get("channel") == "online" and row.country]
    strange = Counter(row.user for row in online if row.country != homes()[row.user])
    users = {row.user for row in online}

    assert 0.005 < fmean(strange[user] >= 10 for user in users) < 0.05


@pytest.mark.parametrize("story", LOOKALIKES, ids=lambda story: story.name)
def test_there_are_lookalikes_of_every_kind_as_often_as_documented(story: object) -> None:
    name, share = story.name, story.share  # type: ignore[attr-defined]

    assert len(rows(name)) / len(rows()) == pytest.approx(share, rel=0.4)
    assert not any(row.pattern for row in rows(name))


def test_fairs_and_game_evenings_are_bursts_of_small_amounts() -> None:
    for name, limit_s in ((FAIR, 4 * 3_600), (GAME_EVENING, 25 * 60)):
        groups = [group for group in grouped(rows(name), "user").values() if 4 <= len(group) <= 12]
        assert median(map(span_s, groups)) <= limit_s
        assert median(row.dollars or 0 for row in rows(name)) < median(row.dollars or 0 for row in rows("plain"))


def test_holiday_shopping_goes_on_for_days_and_some_of_it_comes_from_new_devices() -> None:
    groups = [group for group in grouped(rows(HOLIDAY_SHOPPING), "user").values() if len(group) >= 5]

    assert median(map(span_s, groups)) > 1.5 * _DAY_S


def test_a_new_phone_abroad_looks_as_a_takeover_does() -> None:
    known = {(row.user, row.device) for row in rows("plain")}
    groups = [group for group in grouped(rows(NEW_PHONE_ABROAD), "user", "device").values() if len(group) >= 3]

    assert any((row.user, row.device) not in known for group in groups for row in group)
    assert any((row.user, row.device) in known for group in groups for row in group)
    assert all(span_s(group) <= 20 * 3_600 for group in groups)


def test_the_calendar_finds_back_every_moment() -> None:
    calendar = Calendar(1 + np.arange(168.0) % 5, events_per_second=2.5)
    for ms in (0, 1, 1_700_000_123_456, 1_700_000_123_456 + 100 * HOUR_MS):
        assert calendar.moments(np.array([calendar.expected_before(ms)]))[0] == pytest.approx(ms, abs=1)
    week = 168 * HOUR_MS
    assert calendar.expected_before(7 * week) - calendar.expected_before(6 * week) == pytest.approx(2.5 * week / 1000)
