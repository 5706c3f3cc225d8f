"""Vectors are the oracle's whatever happens: many records of few users, in small batches, by owners and zombies that take turns.

FRAUDSTREAM_TEST_SCHEDULES says how many schedules are drawn, FRAUDSTREAM_TEST_SEED from which seed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from sinks.ledger.reader import LedgerReader
from tests.contract.databases import migrated_database
from tests.property.effects_found import FOUND_OF_VECTORS
from tests.property.effects_judge import Court
from tests.property.effects_leases import Violation
from tests.property.effects_ledger import Database
from tests.property.effects_mutations import OF_VECTORS
from tests.property.effects_schedule import Schedule, long_schedules

pytestmark = pytest.mark.real
SCHEDULES = int(os.environ.get("FRAUDSTREAM_TEST_SCHEDULES", "100"))
SEED = int(os.environ.get("FRAUDSTREAM_TEST_SEED", "1"))


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    dsn = migrated_database()
    with closing(Database(dsn)) as database, closing(LedgerReader(dsn)) as reader:
        court = Court(database, reader)
        yield court
    for kind, times in sorted(court.seen.items()):
        print(f"{times:9,}  {kind}")


def test_every_vector_is_the_oracles_whatever_happens_and_often(court: Court) -> None:
    @seed(SEED)
    @settings(
        max_examples=SCHEDULES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(long_schedules())
    def try_schedule(schedule: Schedule) -> None:
        court.try_schedule(schedule)

    try_schedule()
    assert court.seen["_vectors with a past"] > SCHEDULES


@pytest.mark.parametrize("what", FOUND_OF_VECTORS)
def test_a_schedule_in_which_vectors_may_go_wrong_is_clean(court: Court, what: str) -> None:
    assert court.try_schedule(FOUND_OF_VECTORS[what]).counts["_vectors with a past"]


@pytest.mark.parametrize("what", FOUND_OF_VECTORS)
def test_the_court_catches_a_memory_in_which(court: Court, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    OF_VECTORS[what](monkeypatch)

    with pytest.raises(Violation, match="not the oracle's"):
        court.try_schedule(FOUND_OF_VECTORS[what])
