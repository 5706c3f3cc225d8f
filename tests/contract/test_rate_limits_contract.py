"""Rate limits' promises, held to a process' own and to a real Valkey's alike."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from producers.gateway.limits import MemoryLimits, RateLimits
from tests.contract.limit_subjects import SUBJECTS, LimitSubject

T = TypeVar("T")

SLOW = 1e-4
"""Requests a second: while a test runs, as good as nothing comes back."""


@pytest.fixture(params=[pytest.param("memory"), pytest.param("valkey", marks=pytest.mark.real)])
def subject(request: pytest.FixtureRequest) -> Iterator[LimitSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def within(subject: LimitSubject, work: Callable[[RateLimits], Awaitable[T]]) -> T:
    async def scenario() -> T:
        limits = subject.new_limits()
        try:
            return await work(limits)
        finally:
            await limits.close()

    return asyncio.run(scenario())


def test_a_burst_goes_and_the_next_is_told_how_long_to_wait(subject: LimitSubject) -> None:
    async def work(limits: RateLimits) -> list[float]:
        return [await limits.take("k", SLOW, 5) for _ in range(7)]

    *gone, sixth, seventh = within(subject, work)

    assert gone == [0.0] * 5
    assert sixth == pytest.approx(10_000, rel=0.01)
    assert seventh == pytest.approx(10_000, rel=0.01), "what may not go takes nothing"


def test_after_the_wait_it_may_go(subject: LimitSubject) -> None:
    async def work(limits: RateLimits) -> list[float]:
        first = await limits.take("k", 20.0, 1)
        wait_s = await limits.take("k", 20.0, 1)
        await asyncio.sleep(wait_s + 0.01)
        return [first, await limits.take("k", 20.0, 1)]

    assert within(subject, work) == [0.0, 0.0]


def test_keys_do_not_share(subject: LimitSubject) -> None:
    async def work(limits: RateLimits) -> list[float]:
        return [await limits.take(key_id, SLOW, 1) for key_id in ("one", "two", "one")]

    one, two, again = within(subject, work)

    assert (one, two) == (0.0, 0.0)
    assert again > 0


def test_what_costs_more_than_the_burst_goes_when_the_bucket_is_full_and_is_paid_afterwards(
    subject: LimitSubject,
) -> None:
    async def work(limits: RateLimits) -> list[float]:
        return [await limits.take("k", SLOW, 10, cost) for cost in (25, 1)]

    large, next_one = within(subject, work)

    assert large == 0.0
    assert next_one == pytest.approx(160_000, rel=0.01)


def test_a_raised_limit_holds_at_once(subject: LimitSubject) -> None:
    async def work(limits: RateLimits) -> list[float]:
        return [await limits.take("k", SLOW, burst) for burst in (1, 1, 2)]

    assert [wait_s == 0 for wait_s in within(subject, work)] == [True, False, True]


def test_of_requests_at_once_exactly_the_burst_goes(subject: LimitSubject) -> None:
    async def work(limits: RateLimits) -> list[float]:
        return await asyncio.gather(*(limits.take("k", SLOW, 20) for _ in range(100)))

    assert within(subject, work).count(0.0) == 20


def test_every_adapter_counts_as_the_pure_bucket_does(subject: LimitSubject) -> None:
    draws = random.Random(7)
    asked = [(draws.choice("abc"), draws.choice((5, 20)), draws.randint(1, 30)) for _ in range(200)]

    async def work(limits: RateLimits) -> list[float]:
        return [await limits.take(key_id, SLOW, burst, cost) for key_id, burst, cost in asked]

    expected = asyncio.run(work(MemoryLimits(lambda: 0.0)))
    assert within(subject, work) == pytest.approx(expected, rel=0.02, abs=0.0)
    assert 0 < expected.count(0.0) < len(expected)
