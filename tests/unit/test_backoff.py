from __future__ import annotations

import pytest

from consumer.policies.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(base_s=0.5, cap_s=3.0)

    assert [backoff.ceiling_s(attempt) for attempt in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_night_of_failures_does_not_overflow() -> None:
    assert Backoff(base_s=0.5, cap_s=3.0).ceiling_s(1_000_000) == 3.0


@pytest.mark.parametrize(("draw", "wait_s"), [(0.0, 0.0), (0.25, 0.5), (0.999, 1.998)])
def test_the_wait_is_drawn_from_the_whole_range(draw: float, wait_s: float) -> None:
    assert Backoff(base_s=0.5, cap_s=3.0).wait_s(2, draw) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("base_s", "cap_s"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0)]
)
def test_a_backoff_that_could_not_wait_is_refused(base_s: float, cap_s: float) -> None:
    with pytest.raises(ValueError, match="0 < base_s <= cap_s"):
        Backoff(base_s, cap_s)
