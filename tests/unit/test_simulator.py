from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from statistics import fmean
from typing import Any

import pytest

from producers.simulator.events import SimulatedEvent
from producers.simulator.output import encode_event
from producers.simulator.settings import SimulationSettings
from producers.simulator.shops import CATEGORIES
from producers.simulator.simulation import simulate
from producers.simulator.world import make_world
from schemas.decode import Unknown, decode, decode_by_model
from tests.simulated import rows

_SETTINGS = SimulationSettings(
    seed=7, customers=800, merchants=200, fraud_share=0.02, events_per_second=0.3
)  # some 37 hours
_OFFSETS = dict(zip(make_world(_SETTINGS).people.user_ids, make_world(_SETTINGS).people.offset_h.tolist(), strict=True))


@cache
def some_events() -> tuple[SimulatedEvent, ...]:
    return tuple(simulate(_SETTINGS, 40_000))


def genuine() -> list[dict[str, Any]]:
    return [simulated.event for simulated in some_events() if not simulated.is_fraud]


def moment_of(simulated: SimulatedEvent) -> datetime:
    return datetime.fromisoformat(str(simulated.event["timestamp"]))


def test_equal_settings_give_equal_bytes() -> None:
    first = [encode_event(e) for e in simulate(_SETTINGS, 10_000)]

    assert first == [encode_event(e) for e in simulate(_SETTINGS, 10_000)]


def test_fewer_events_are_the_beginning_of_more() -> None:
    assert list(simulate(_SETTINGS, 700)) == list(some_events()[:700])


def test_another_seed_gives_other_events_and_other_people() -> None:
    other = replace(_SETTINGS, seed=8)

    assert next(simulate(other)).event != next(simulate(_SETTINGS)).event
    assert make_world(other).people.cards[0] != make_world(_SETTINGS).people.cards[0]


def test_two_runs_of_one_seed_share_people_but_no_transaction_id() -> None:
    runs = [list(simulate(replace(_SETTINGS, run_id=run_id), 500)) for run_id in ("", "monday", "tuesday")]

    assert len({e.event["transaction_id"] for run in runs for e in run}) == 1_500
    assert all(str(e.event["transaction_id"]).startswith("monday-") for e in runs[1])
    cards = [{(e.event["user_id"], e.event.get("card_id")) for e in run if e.event.get("card_id")} for run in runs]
    assert cards[0] & cards[1]
    assert {user for user, _ in set.union(*cards)} <= _OFFSETS.keys()


def test_every_event_is_valid_by_the_schema_of_record_and_by_the_decoder() -> None:
    unknown = Unknown()
    for simulated in some_events():
        transaction = decode(encode_event(simulated), unknown)
        assert transaction.transaction_id == simulated.event["transaction_id"]
    for simulated in some_events()[::10]:
        assert decode(encode_event(simulated), unknown) == decode_by_model(encode_event(simulated), unknown)
    assert unknown.events == 0


def test_transaction_ids_are_unique_and_event_times_in_order() -> None:
    assert len({e.event["transaction_id"] for e in some_events()}) == len(some_events())
    assert all(moment_of(a) <= moment_of(b) for a, b in pairwise(some_events()))


def test_event_time_begins_at_the_start_and_has_the_density_asked_for() -> None:
    settings = replace(_SETTINGS, start=datetime(2024, 2, 28, tzinfo=UTC), events_per_second=0.05)
    moments = [moment_of(e) for e in simulate(settings, until=settings.start + timedelta(days=7))]

    assert settings.start <= moments[0] < settings.start + timedelta(minutes=10)
    assert moments[-1] < settings.start + timedelta(days=7)
    assert len(moments) == pytest.approx(0.05 * 7 * 86_400, rel=0.05)


def test_live_events_carry_the_clocks_time_and_the_customers_local_hour() -> None:
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    ticks: Iterator[datetime] = (start + timedelta(milliseconds=1_500 * n) for n in range(10_000))

    next(ticks)  # the world begins with a look at the clock
    events = simulate(_SETTINGS, 1_000, clock=lambda: next(ticks))
    for number, simulated in enumerate(events, 2):
        event, moment = simulated.event, start + timedelta(milliseconds=1_500 * number)
        assert moment_of(simulated) == moment
        local = moment + timedelta(hours=_OFFSETS[str(event["user_id"])])
        assert event.get("hour") in (None, local.hour)
        assert event.get("day_of_week") in (None, local.weekday())


def test_a_clock_that_goes_back_does_not_make_events_go_back() -> None:
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    ticks = (start + timedelta(seconds=10 - n % 7) for n in range(1_000))

    moments = [moment_of(e) for e in simulate(_SETTINGS, 100, clock=lambda: next(ticks))]
    assert moments == sorted(moments)


@pytest.mark.parametrize("rate", [0.01, 0.3, 500.0])
def test_the_share_of_fraud_is_the_one_asked_for_however_dense_the_events_are(rate: float) -> None:
    settings = replace(_SETTINGS, fraud_share=0.05, events_per_second=rate)

    assert fmean(e.is_fraud for e in simulate(settings, 40_000)) == pytest.approx(0.05, rel=0.25)


def test_a_few_minutes_of_dense_traffic_hold_every_pattern_and_every_lookalike() -> None:
    settings = replace(_SETTINGS, customers=5_000, fraud_share=0.02, events_per_second=200.0)

    stories = {story for e in simulate(settings, 40_000) for story in (e.pattern, e.lookalike) if story}
    assert len(stories) == 9


def test_no_fraud_is_simulated_if_none_is_wanted() -> None:
    assert not any(e.is_fraud for e in simulate(replace(_SETTINGS, fraud_share=0.0), 5_000))


def test_half_of_all_may_be_fraud() -> None:
    shares = [e.is_fraud for e in simulate(replace(_SETTINGS, fraud_share=0.5), 20_000)]

    assert fmean(shares) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "name", ["currency", "merchant_id", "merchant_category", "channel", "card_id", "hour", "location", "device_info"]
)
def test_optional_fields_are_sometimes_absent_and_sometimes_null(name: str) -> None:
    events = [*genuine(), *(row.event for row in rows("genuine"))]  # each run has gaps of its own

    assert any(name not in event for event in events)
    assert any(name in event and event[name] is None for event in events)
    assert fmean(event.get(name) is not None for event in events) > 0.8


def test_addresses_belong_to_nobody_and_cards_are_tokens() -> None:
    reserved = ("10.", "192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")
    for simulated in some_events():
        event: dict[str, Any] = simulated.event
        assert ((event.get("device_info") or {}).get("ip_address") or "10.").startswith(reserved)
        assert (event.get("card_id") or "tok_").startswith("tok_")


def test_a_customers_earlier_transactions_are_counted_up() -> None:
    seen: dict[str, int] = {}
    for simulated in some_events():
        event: dict[str, Any] = simulated.event
        count = event.get("previous_transactions_count")
        if count is not None:
            assert count > seen.get(event["user_id"], -1)
            seen[event["user_id"]] = count


def test_every_kind_of_merchant_is_met_and_yen_have_no_decimals() -> None:
    large = simulate(replace(_SETTINGS, merchants=2_000), 20_000)
    categories = {e.event["merchant_category"] for e in large if e.event.get("merchant_category")}

    assert categories == {category.name for category in CATEGORIES}
    assert all(event["amount"] % 1 == 0 for event in genuine() if event.get("currency") in {"JPY", "KRW"})
    assert any(event["amount"] == 0 for event in genuine())


def test_events_may_be_changed_without_changing_others() -> None:
    events = simulate(_SETTINGS)
    for simulated in islice(events, 200):
        for inner in ("device_info", "location"):
            held = simulated.event.get(inner)
            if isinstance(held, dict):
                held.clear()

    assert [e.event for e in islice(events, 500)] == [e.event for e in some_events()[200:700]]


def test_the_smallest_world_works() -> None:
    settings = SimulationSettings(customers=1, merchants=1, fraud_share=0.3)

    assert {e.event["user_id"] for e in simulate(settings, 500)} == {"user-000000"}


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="islice"):
        simulate(_SETTINGS, -1)


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
