"""The chunk chain is exactly-once whatever happens: the real chain, appender and memory lake in random worlds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.lake.keys import parse_chunk_key
from tests.property.chain_audit import simulate
from tests.property.chain_world import World

WORLDS = 15 * (settings.default.max_examples if settings.default else 100)
"""Fifteen for each example of Hypothesis' profile: `--hypothesis-profile` with more examples runs more of them."""

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(5, 95)


@given(seed=seeds, size=sizes)
@settings(max_examples=WORLDS, deadline=None)
def test_every_record_is_in_the_lake_once_whatever_crashes_lingers_or_lands_late(seed: int, size: int) -> None:
    simulate(seed, size)


def test_the_worlds_are_wild_enough_to_prove_anything() -> None:
    seen: Counter[str] = Counter()
    for seed in range(300):
        seen.update(_hardships(simulate(seed, 60)))
    assert len(seen) == 8
    assert min(seen.values()) >= 100, seen


def test_a_world_is_the_same_again_for_the_same_seed() -> None:
    first, second = simulate(7, 80), simulate(7, 80)
    assert first.events == second.events
    assert first.lake.objects == second.lake.objects


def _hardships(world: World) -> Counter[str]:
    words = Counter(word for event in world.events for word in event.split())
    return Counter(
        {
            "late PUT": words["lands"],
            "trimmed": words["trimmed"],
            "lease lost": words["LeaseLost"],
            "crash": words["Died"],
            "start elsewhere": words["application"],
            "object without rows": sum(not chunk.rows for chunk in world.lake.objects.values()),
            "adoption": sum(worker.appender.adopted for worker in world.workers),
            "midnight": len({parse_chunk_key(key).arrival_day for key in world.lake.objects}) - 1,
        }
    )
