"""The token bucket: what goes at once, what goes in the long run, and what waits how long. Time is an argument."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway.limits import SLACK_S, Bucket, MemoryLimits

FULL = Bucket(0.0)
Rates = st.floats(0.01, 10_000)
Bursts = st.integers(1, 1_000)
Asked = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 1_500)), max_size=40)


def test_a_full_bucket_lets_its_burst_go_and_then_one_at_a_time() -> None:
    bucket, waits = FULL, []
    for now_s in (100.0, 100.0, 100.0, 100.0, 100.25, 100.5):
        bucket, wait_s = bucket.take(now_s, 2.0, 3)
        waits.append(wait_s)
    assert waits == [0, 0, 0, 0.5, 0.25, 0]


def test_what_may_not_go_takes_nothing() -> None:
    emptied, _ = FULL.take(10.0, 1.0, 1)
    refused, wait_s = emptied.take(10.5, 1.0, 1)
    assert (refused, wait_s) == (emptied, 0.5)


def test_an_idle_bucket_holds_its_burst_and_no_more() -> None:
    bucket, _ = FULL.take(10.0, 1.0, 2)
    waits = []
    for _ in range(3):
        bucket, wait_s = bucket.take(1_000.0, 1.0, 2)
        waits.append(wait_s)
    assert waits == [0, 0, 1]


def test_what_costs_more_than_the_burst_goes_when_the_bucket_is_full_and_is_paid_afterwards() -> None:
    bucket, wait_s = FULL.take(10.0, 10.0, 20, 100)
    assert wait_s == 0
    assert bucket.take(10.0, 10.0, 20)[1] == pytest.approx(8.1)
    almost, _ = FULL.take(10.0, 10.0, 20)
    assert almost.take(10.0, 10.0, 20, 100)[1] == pytest.approx(0.1)


def test_a_new_rate_or_burst_holds_from_the_next_request_on() -> None:
    emptied, _ = FULL.take(10.0, 1.0, 5, 5)
    assert emptied.take(10.0, 1.0, 5)[1] == 1.0
    assert emptied.take(10.0, 1.0, 6)[1] == 0


@given(Rates, Bursts, Asked, st.floats(0, 2e9))
def test_in_any_stretch_no_more_goes_than_the_burst_the_rate_and_one_large_request(
    rate_per_s: float, burst: int, asked: list[tuple[float, int]], start_s: float
) -> None:
    bucket, now_s, gone, largest = FULL, start_s, 0, 0
    for passed_s, cost in asked:
        now_s += passed_s
        bucket, wait_s = bucket.take(now_s, rate_per_s, burst, cost)
        if wait_s == 0:
            gone, largest = gone + cost, max(largest, cost)
    assert gone <= burst + max(0, largest - burst) + (now_s - start_s + 1e-3) * rate_per_s * (1 + 1e-6)


@given(Rates, Bursts, Asked, st.floats(0, 1e6))
def test_after_the_wait_it_may_go_and_shortly_before_it_may_not(
    rate_per_s: float, burst: int, asked: list[tuple[float, int]], now_s: float
) -> None:
    bucket = FULL
    for passed_s, cost in asked:
        now_s += passed_s
        before = bucket
        bucket, wait_s = before.take(now_s, rate_per_s, burst, cost)
        if wait_s:
            assert before.take(now_s + wait_s, rate_per_s, burst, cost)[1] == 0
            assert before.take(now_s + wait_s - 3 * SLACK_S, rate_per_s, burst, cost)[1] > 0


def test_rounding_takes_no_part_of_a_burst() -> None:
    bucket, waits = FULL, set()
    for _ in range(1_000):
        bucket, wait_s = bucket.take(123_456.789, 3.0, 1_000)
        waits.add(wait_s)
    assert waits == {0.0}
    assert bucket.take(123_456.789, 3.0, 1_000)[1] == pytest.approx(1 / 3)


def test_a_process_counts_by_its_own_clock_and_says_that_it_counts_alone() -> None:
    now_s = 5.0
    limits = MemoryLimits(lambda: now_s)
    assert asyncio.run(limits.take("k", 2.0, 1)) == 0
    assert asyncio.run(limits.take("k", 2.0, 1)) == 0.5
    now_s = 5.5
    assert asyncio.run(limits.take("k", 2.0, 1)) == 0
    assert "each gateway process by itself" in limits.reach
