from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby, islice, pairwise
from statistics import fmean, median
from typing import Any

import pytest

from producers.simulator.fraud import ACCOUNT_TAKEOVER, CARD_TESTING
from producers.simulator.output import encode_event
from producers.simulator.places import PLACES
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import SimulatedEvent, simulate
from producers.simulator.world import CATEGORIES, make_world
from schemas.decode import Unknown, decode, decode_by_model

_SETTINGS = SimulationSettings(
    seed=7, customers=800, merchants=200, fraud_share=0.02, events_per_second=0.3
)  # some 37 hours
_RATES = {place.currency: place.units_per_dollar for place in PLACES}


@cache
def some_events(count: int = 40_000) -> tuple[SimulatedEvent, ...]:
    return tuple(simulate(_SETTINGS, count))


def by_pattern(pattern: str | None) -> list[dict[str, Any]]:
    return [simulated.event for simulated in some_events() if simulated.pattern == pattern]


def dollars(event: dict[str, Any]) -> float:
    return float(event["amount"]) / _RATES.get(event.get("currency") or "USD", 1.0)


def place_of(event: dict[str, Any]) -> dict[str, Any]:
    return event.get("location") or {}


def test_equal_settings_give_equal_bytes() -> None:
    first = [encode_event(e) for e in simulate(_SETTINGS, 3_000)]

    assert first == [encode_event(e) for e in simulate(_SETTINGS, 3_000)]


def test_another_seed_gives_other_events_and_other_people() -> None:
    other = replace(_SETTINGS, seed=8)

    assert next(simulate(other)).event != next(simulate(_SETTINGS)).event
    assert make_world(other).customers[0].card_id != make_world(_SETTINGS).customers[0].card_id


def test_two_runs_of_one_seed_share_people_but_no_transaction_id() -> None:
    ids = [
        {str(e.event["transaction_id"]) for e in simulate(replace(_SETTINGS, run_id=run_id), 500)}
        for run_id in ("", "monday", "tuesday")
    ]

    assert len(set.union(*ids)) == 1_500
    users = {e.event["user_id"] for e in simulate(replace(_SETTINGS, run_id="monday"), 500)}
    assert users <= {customer.user_id for customer in make_world(_SETTINGS).customers}


def test_every_event_is_valid_by_the_schema_of_record_and_by_the_decoder() -> None:
    unknown = Unknown()
    for simulated in some_events(4_000):
        transaction = decode(encode_event(simulated), unknown)
        assert transaction.transaction_id == simulated.event["transaction_id"]
        assert transaction == decode_by_model(encode_event(simulated), unknown)
    assert unknown.events == 0


def test_transaction_ids_are_unique_and_event_times_in_order() -> None:
    events = [simulated.event for simulated in some_events()]

    assert len({event["transaction_id"] for event in events}) == len(events)
    assert all(str(a["timestamp"]) <= str(b["timestamp"]) for a, b in pairwise(events))


def test_event_time_begins_at_the_start_and_has_the_density_asked_for() -> None:
    settings = replace(_SETTINGS, start=datetime(2024, 2, 28, 23, 59, tzinfo=UTC), events_per_second=50.0)
    moments = [datetime.fromisoformat(str(e.event["timestamp"])) for e in simulate(settings, 20_000)]

    assert moments[0] == settings.start
    assert (moments[-1] - moments[0]).total_seconds() == pytest.approx(400, rel=0.05)


def test_live_events_carry_the_clocks_time_and_the_customers_local_hour() -> None:
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    ticks: Iterator[datetime] = (start + timedelta(milliseconds=1_500 * n) for n in range(10_000))
    homes = {customer.user_id: customer.home for customer in make_world(_SETTINGS).customers}

    for number, simulated in enumerate(simulate(_SETTINGS, 1_000, clock=lambda: next(ticks))):
        event, moment = simulated.event, start + timedelta(milliseconds=1_500 * number)
        assert datetime.fromisoformat(str(event["timestamp"])) == moment
        local = moment + timedelta(hours=homes[str(event["user_id"])].utc_offset_h)
        assert event.get("hour") in (None, local.hour)
        assert event.get("day_of_week") in (None, local.weekday())


def test_the_share_of_fraud_is_the_one_asked_for_and_both_patterns_are_there() -> None:
    counts = Counter(simulated.pattern for simulated in some_events())

    assert (counts[ACCOUNT_TAKEOVER] + counts[CARD_TESTING]) / counts.total() == pytest.approx(0.02, rel=0.2)
    assert min(counts[ACCOUNT_TAKEOVER], counts[CARD_TESTING]) > 50
    assert all(simulated.is_fraud == (simulated.pattern is not None) for simulated in some_events())


def test_no_fraud_is_simulated_if_none_is_wanted() -> None:
    assert not any(e.is_fraud for e in simulate(replace(_SETTINGS, fraud_share=0.0), 5_000))


def test_half_of_all_may_be_fraud() -> None:
    shares = [e.is_fraud for e in simulate(replace(_SETTINGS, fraud_share=0.5), 20_000)]

    assert fmean(shares) == pytest.approx(0.5, abs=0.02)


def test_takeovers_come_with_new_devices_mostly_from_abroad_and_at_night_for_more_than_usual() -> None:
    world = make_world(_SETTINGS)
    homes = {customer.user_id: customer for customer in world.customers}
    takeovers = by_pattern(ACCOUNT_TAKEOVER)
    devices = {customer.device.device_id for customer in world.customers}

    used = [(event.get("device_info") or {}).get("device_id") for event in takeovers]
    countries = [(place_of(e).get("country"), homes[e["user_id"]].home.country) for e in takeovers]
    assert not {device for device in used if device} & devices
    assert fmean(there != home for there, home in countries if there) > 0.5
    assert fmean(event["hour"] < 6 for event in takeovers if event.get("hour") is not None) > 0.5
    assert median(map(dollars, takeovers)) > 3 * median(map(dollars, by_pattern(None)))


def test_card_testing_is_tiny_round_and_online_and_comes_in_bursts_from_one_device() -> None:
    tests = by_pattern(CARD_TESTING)

    assert all(dollars(event) < 20 for event in tests if event.get("currency"))
    assert all(math.isclose(event["amount"] * 2 % 1, 0) for event in tests)
    assert any(event["amount"] == 0 for event in tests)
    assert {event.get("channel") for event in tests} <= {"online", None}
    runs = [len(list(group)) for is_test, group in groupby(e.pattern == CARD_TESTING for e in some_events()) if is_test]
    assert fmean(runs) > 2.5
    victims = Counter((event.get("device_info") or {}).get("device_id") for event in tests)
    assert max(count for device, count in victims.items() if device) >= 8


def test_genuine_people_shop_mostly_awake_near_home_and_in_its_currency() -> None:
    homes = {customer.user_id: customer for customer in make_world(_SETTINGS).customers}
    genuine = by_pattern(None)

    assert fmean(event["hour"] < 5 for event in genuine if event.get("hour") is not None) < 0.12
    at_home = [
        place_of(e)["country"] == homes[e["user_id"]].home.country for e in genuine if place_of(e).get("country")
    ]
    assert fmean(at_home) > 0.95
    currencies = [e["currency"] == homes[e["user_id"]].home.currency for e in genuine if e.get("currency")]
    assert fmean(currencies) > 0.95


def test_no_field_gives_the_fraud_away_by_being_there() -> None:
    shares = {
        kind: {name for event in events for name in event} for kind, events in
        (("genuine", by_pattern(None)), ("fraud", by_pattern(ACCOUNT_TAKEOVER) + by_pattern(CARD_TESTING)))
    }  # fmt: skip

    assert shares["genuine"] == shares["fraud"]


@pytest.mark.parametrize(
    "name", ["currency", "merchant_id", "merchant_category", "channel", "card_id", "hour", "location", "device_info"]
)
def test_optional_fields_are_sometimes_absent_and_sometimes_null(name: str) -> None:
    genuine = by_pattern(None)

    assert any(name not in event for event in genuine)
    assert any(name in event and event[name] is None for event in genuine)
    assert fmean(event.get(name) is not None for event in genuine) > 0.8


def test_addresses_belong_to_nobody_and_cards_are_tokens() -> None:
    reserved = ("10.", "192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")
    for simulated in some_events(5_000):
        event: dict[str, Any] = simulated.event
        assert ((event.get("device_info") or {}).get("ip_address") or "10.").startswith(reserved)
        assert (event.get("card_id") or "tok_").startswith("tok_")


def test_a_customers_earlier_transactions_are_counted_up() -> None:
    seen: dict[str, int] = {}
    for simulated in some_events(20_000):
        event: dict[str, Any] = simulated.event
        count = event.get("previous_transactions_count")
        if count is not None:
            assert count > seen.get(event["user_id"], -1)
            seen[event["user_id"]] = count


def test_every_kind_of_merchant_is_met_and_yen_have_no_decimals() -> None:
    events = by_pattern(None)

    assert {event["merchant_category"] for event in events if event.get("merchant_category")} == {
        c.name for c in CATEGORIES
    }
    assert all(event["amount"] % 1 == 0 for event in events if event.get("currency") in {"JPY", "KRW"})


def test_events_may_be_changed_without_changing_others() -> None:
    events = simulate(_SETTINGS)
    for simulated in islice(events, 200):
        simulated.event["device_info"] = None
        location = simulated.event.get("location")
        if isinstance(location, dict):
            location.clear()

    assert any(place_of(simulated.event) for simulated in islice(events, 50))


def test_the_smallest_world_works() -> None:
    settings = SimulationSettings(customers=1, merchants=1, fraud_share=0.3)

    assert {e.event["user_id"] for e in simulate(settings, 500)} == {"user-000000"}


@pytest.mark.parametrize(
    "changes",
    [
        {"customers": 0},
        {"merchants": 0},
        {"fraud_share": -0.1},
        {"fraud_share": 0.6},
        {"events_per_second": 0.0},
        {"start": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"run_id": "x" * 65},
    ],
)
def test_settings_without_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        replace(_SETTINGS, **changes)
