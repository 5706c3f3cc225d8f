"""Each rule of effects.md, taken out on purpose, is missed by the same court that the real code passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from sinks.ledger.reader import LedgerReader
from tests.contract.databases import migrated_database
from tests.property.effects_judge import Court
from tests.property.effects_leases import Violation
from tests.property.effects_ledger import Database
from tests.property.effects_mutations import MUTATIONS, Mutation
from tests.property.effects_schedule import Kind, Schedule, schedules_with

pytestmark = pytest.mark.real
_SCHEDULES = 2_000
"""Far more than any of them took with this seed: 79 where two owners must race, more on a busy machine, else about ten."""


class _Caught(BaseException):
    """Ends the drawing: Hypothesis would go on to shrink."""


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    dsn = migrated_database()
    with closing(Database(dsn)) as database, closing(LedgerReader(dsn)) as reader:
        yield Court(database, reader)


@pytest.mark.parametrize(("mutation", "kind"), MUTATIONS.values(), ids=MUTATIONS.keys())
def test_the_court_catches_a_worker_without(
    court: Court, monkeypatch: pytest.MonkeyPatch, mutation: Mutation, kind: Kind
) -> None:
    tried = 0

    @seed(6)
    @settings(
        max_examples=_SCHEDULES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(schedules_with(kind))
    def try_schedule(schedule: Schedule) -> None:
        nonlocal tried
        tried += 1
        try:
            court.try_schedule(schedule)
        except Violation:
            raise _Caught from None

    mutation(monkeypatch)
    with pytest.raises(_Caught):
        try_schedule()
    print(f"caught by schedule {tried}")
