"""A zombie with other code gives a verdict between the owner's look-up and its commit: the owner takes it over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from consumer.batch import Reader
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.decode import EventTimeBounds
from schemas.position import StreamRecord
from sinks.errors import OvertakenError, PermanentSinkError
from sinks.ledger.memory import MemoryLedger
from sinks.port import Refusal
from tests.pipeline_builders import World, a_record, an_event

OLD = "2026-01-01T00:00:00Z"
STRICT, LENIENT = Reader(EventTimeBounds()), Reader(None)


class _Interrupted(MemoryLedger):
    """Lets something happen before its first commit."""

    def __init__(self, world: World, meanwhile: Callable[[], None]) -> None:
        super().__init__(world.store, dedup_horizon=world.horizon)
        self._meanwhile: list[Callable[[], None]] = [meanwhile]

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        if self._meanwhile:
            self._meanwhile.pop()()
        return super().commit(decisions, alerts, refusals)


def _raced(records: Sequence[StreamRecord], *, zombie: Reader, owner: Reader) -> World:
    world = World()
    theirs = world.worker(reader=zombie)
    world.ledger = _Interrupted(world, lambda: world.process(theirs, records))
    world.process(world.worker(reader=owner), records)
    return world


@pytest.mark.parametrize(("zombie", "refused"), [(STRICT, {2: "event_time_out_of_bounds"}), (LENIENT, {})])
def test_the_verdict_that_was_committed_first_stands(zombie: Reader, refused: dict[int, str]) -> None:
    records = [a_record(1), a_record(2, an_event("t-2", timestamp=OLD)), a_record(3)]

    world = _raced(records, zombie=zombie, owner=LENIENT if zombie is STRICT else STRICT)

    assert world.refusals() == refused
    decided = {row.position.sequence_number for row in world.store.decisions.values()}
    assert decided == {1, 2, 3} - set(refused)
    assert {int(letter.sequence_number) for letter in world.dead_letters.letters()} == set(refused)


def test_the_lake_holds_the_verdict_that_stands() -> None:
    records = [a_record(1), a_record(2, an_event("t-2", timestamp=OLD))]
    world = World()
    theirs = world.worker(reader=STRICT)
    world.ledger = _Interrupted(world, lambda: world.process(theirs, records))
    owner = world.worker(reader=LENIENT)

    world.process(owner, records)
    world.stop(owner)

    assert world.lake_ids() == ["t-1"]


class _AlwaysOvertaken(MemoryLedger):
    """A ledger whose look-up and commit contradict each other."""

    def commit(self, *_: object) -> Mapping[Identity, Decision]:
        raise OvertakenError


def test_a_ledger_that_contradicts_itself_stops_the_worker() -> None:
    world = World()
    world.ledger = _AlwaysOvertaken(world.store)

    with pytest.raises(PermanentSinkError, match="look-up does not show"):
        world.process(world.worker(), [a_record(1), a_record(2)])
