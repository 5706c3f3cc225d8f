from __future__ import annotations

from typing import Any

import pytest

from consumer.planning.demand import Demand
from consumer.planning.errors import PlanRefused


def test_a_demand_knows_its_peak_and_its_month() -> None:
    demand = Demand(100, 500, peak_factor=3)
    assert demand.peak == 300
    assert demand.events_a_month == 100 * 730 * 3600


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"events_per_second": 0}, "give a rate above 0"),
    ({"events_per_second": -5}, "--events-per-second is -5"),
    ({"events_per_second": float("nan")}, "give a rate above 0"),
    ({"events_per_second": 10_000_000_001}, "did a zero slip in?"),
    ({"events_per_second": float("inf")}, "did a zero slip in?"),
    ({"event_bytes": 99}, "at least 100 bytes"),
    ({"event_bytes": 65_537}, "events over 64 KB"),
    ({"peak_factor": 0.5}, "peaks are at least the mean"),
    ({"peak_factor": float("nan")}, "--peak-factor is nan"),
    ({"alert_share": 1.1}, "it is a share"),
    ({"cold_share": -0.1}, "it is a share"),
    ({"stream_hours": 12}, "give 24 to 168"),
    ({"ledger_days": 30}, "features need 30 days"),
    ({"lake_days": 0}, "--lake-days is 0"),
    ({"poll_ms": 100}, "every 200 ms at most"),
    ({"chunk_age_s": 0.0}, "--chunk-age is 0"),
]


@pytest.mark.parametrize(("changed", "told"), WRONG, ids=str)
def test_what_makes_no_sense_is_refused_with_the_remedy(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        Demand(**{"events_per_second": 100.0, "event_bytes": 500, **changed})
    assert told in str(refused.value)


@pytest.mark.parametrize("bounds", [(1e-3, 100), (10_000_000, 65_536)])
def test_the_ends_of_the_ranges_are_in_them(bounds: tuple[float, int]) -> None:
    assert Demand(*bounds).event_bytes == bounds[1]
