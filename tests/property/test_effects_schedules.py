"""Effects happen exactly once whatever happens: the worker's real code and PostgreSQL, with KCL, S3 and SNS as bad as they can be.

FRAUDSTREAM_TEST_SCHEDULES says how many schedules are drawn at least, FRAUDSTREAM_TEST_SEED from which seed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from sinks.ledger.reader import LedgerReader
from tests.contract.databases import migrated_database
from tests.property.effects_found import FOUND
from tests.property.effects_judge import Court
from tests.property.effects_ledger import Database
from tests.property.effects_schedule import KINDS, Kind, Schedule, name_of, schedules_with

pytestmark = pytest.mark.real
SCHEDULES = int(os.environ.get("FRAUDSTREAM_TEST_SCHEDULES", "250"))
SEED = int(os.environ.get("FRAUDSTREAM_TEST_SEED", "1"))
_ATTEMPTS = 20
_OF_A_KIND = -(-SCHEDULES // len(KINDS))


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    """One database for all schedules; says at the end what happened in them, how often."""
    dsn = migrated_database()
    with closing(Database(dsn)) as database, closing(LedgerReader(dsn)) as reader:
        court = Court(database, reader)
        yield court
    print(f"\nFRAUDSTREAM_TEST_SEED={SEED} FRAUDSTREAM_TEST_SCHEDULES={SCHEDULES}")
    for kind, times in sorted(court.seen.items()):
        print(f"{times:9,}  {kind}")


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_event_has_its_effects_once_whatever_happens_and_often(court: Court, kind: Kind) -> None:
    for attempt in range(_ATTEMPTS):
        if _times_fired(court, kind, attempt):
            return
    pytest.fail("a fault that did not fire proves nothing")


def _times_fired(court: Court, kind: Kind, attempt: int) -> int:
    """Try schedules; no two kinds and attempts from one seed, or they would draw the same streams and fates."""
    fired: Counter[str] = Counter()

    @seed((SEED * _ATTEMPTS + attempt) * len(KINDS) + KINDS.index(kind))
    @settings(
        max_examples=_OF_A_KIND,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(schedules_with(kind))
    def try_schedule(schedule: Schedule) -> None:
        fired.update(court.try_schedule(schedule).counts)

    try_schedule()
    return fired[name_of(kind)]


@pytest.mark.parametrize("what", FOUND)
def test_a_schedule_that_is_worth_keeping_is_clean(court: Court, what: str) -> None:
    assert court.try_schedule(FOUND[what]).counts[what]


def test_a_schedule_happens_again_as_it_happened(court: Court) -> None:
    schedule = next(iter(FOUND.values()))

    assert court.try_schedule(schedule).story == court.try_schedule(schedule).story
