"""A simulated history that tests look at from several sides: sixty days of fifteen hundred people, with more fraud than there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from producers.simulator.events import SimulatedEvent
from producers.simulator.places import PLACES
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

DAYS, FRAUD_SHARE = 60, 0.03
SETTINGS = SimulationSettings(
    seed=11, customers=1_500, merchants=300, fraud_share=FRAUD_SHARE, events_per_second=1_500 / 86_400
)
RATES = {place.currency: place.units_per_dollar for place in PLACES}


class Row(NamedTuple):
    """An event with what tests ask of it; None where the event does not say."""

    seconds: float
    user: str
    merchant: str | None
    country: str | None
    device: str | None
    dollars: float | None
    event: dict[str, Any]
    pattern: str | None
    lookalike: str | None


@cache
def history() -> tuple[SimulatedEvent, ...]:
    return tuple(simulate(SETTINGS, until=SETTINGS.start + timedelta(days=DAYS)))


@cache
def rows(kind: str = "all") -> tuple[Row, ...]:
    """Return the events of a pattern, of a look-alike, "genuine" ones, those that are "plain" genuine, "fraud", or "all"."""
    if kind == "all":
        return tuple(map(_row, history()))
    return tuple(row for row in rows() if kind in _kinds(row))


def _kinds(row: Row) -> tuple[str | None, ...]:
    if row.pattern is not None:
        return (row.pattern, "fraud")
    return ("genuine", row.lookalike or "plain")


def _row(simulated: SimulatedEvent) -> Row:
    event: dict[str, Any] = simulated.event
    currency = event.get("currency")
    return Row(
        datetime.fromisoformat(event["timestamp"]).timestamp(),
        event["user_id"],
        event.get("merchant_id"),
        (event.get("location") or {}).get("country"),
        (event.get("device_info") or {}).get("device_id"),
        event["amount"] / RATES[currency] if currency else None,
        event,
        simulated.pattern,
        simulated.lookalike,
    )


def grouped(chosen: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    """Return the rows by the values of these fields, without those where one is missing."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in chosen:
        key = tuple(getattr(row, name) for name in names)
        if None not in key:
            groups[key].append(row)
    return groups


def span_s(chosen: list[Row]) -> float:
    return chosen[-1].seconds - chosen[0].seconds


@cache
def homes() -> dict[str, str]:
    """Return the country where each user is most of the time."""
    seen = grouped(rows("plain"), "user")
    countries = {user: [row.country for row in theirs if row.country] for (user,), theirs in seen.items()}
    return {user: max(set(named), key=named.count) for user, named in countries.items() if named}
