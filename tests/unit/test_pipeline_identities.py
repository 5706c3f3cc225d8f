"""Identities that differ between two readers of one record, and rows that one event asked for and another must not mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from consumer.batch import Reader
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, Wanted
from sinks.ledger.memory import MemoryLedger
from sinks.port import Candidate, Delivery, Known, Refusal
from tests.pipeline_builders import NOW, World, a_record, an_event

MAX_COMMITS = 5


def test_what_lies_beyond_the_horizon_is_no_conflict_whoever_tells_of_it() -> None:
    world = World()
    worker = world.worker(reader=Reader(bounds=None))
    near, far = ((NOW + timedelta(hours=hours)).isoformat() for hours in (10, 40))
    world.process(worker, [a_record(1, an_event("t"))])
    world.process(worker, [a_record(2, an_event("t", timestamp=near)), a_record(3, an_event("t", timestamp=far))])
    assert world.refusals() == {2: "conflicting_resend"}
    assert [row.position.sequence_number for row in world.store.decisions.values()] == [1, 3]


class _Overtaken(MemoryLedger):
    """Another owner, whose code reads another identity, decides the record before the first commit. Gives up where nobody else does."""

    def __init__(self, world: World, theirs: Decision) -> None:
        super().__init__(world.store)
        self._theirs, self._commits = theirs, 0

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        self._commits += 1
        assert self._commits < MAX_COMMITS, "overtaken again and again"
        self.store.decisions[self._theirs.identity] = self._theirs
        return super().commit(decisions, alerts, refusals)


def test_what_another_owner_decided_under_another_identity_is_found() -> None:
    world = World()
    worker = world.worker()
    world.process(worker, [a_record(1, an_event("t"))])
    [first] = world.store.decisions.values()
    theirs = first._replace(transaction_id="as-they-read-it", sequence_number="3")
    world.ledger = _Overtaken(world, theirs)
    owner = world.worker()

    world.process(owner, [a_record(2)])
    world.process(owner, [a_record(3, an_event("t", amount=99))])  # to us, a conflict with the first
    world.stop(owner)

    assert world.refusals() == {}
    assert world.lake_ids() == ["t-2", "as-they-read-it"]


def test_what_an_earlier_release_decided_under_another_identity_is_found_when_it_is_delivered_again() -> None:
    world = World()
    records = [a_record(1, an_event("t-1 ")), a_record(2, an_event("t-2"))]
    world.process(world.worker(), records)
    rows = {row.transaction_id: row for row in world.store.decisions.values()}
    theirs = rows["t-1 "]._replace(transaction_id="t-1")  # the earlier release had trimmed it
    world.store.decisions = {row.identity: row for row in (theirs, rows["t-2"])}
    owner = world.worker()

    for record in records:
        world.process(owner, [record])
    world.stop(owner)

    assert world.lake_ids() == ["t-1", "t-2"]
    assert len(world.store.decisions) == 2


class _Asked(MemoryLedger):
    """Remembers whether it was asked by position."""

    def __init__(self, world: World) -> None:
        super().__init__(world.store)
        self.places: list[int] = []

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        self.places.append(len(unreadable))
        return super().look_up(readable, unreadable, wanted)


def test_positions_are_asked_for_until_a_batch_is_all_new() -> None:
    world = World()
    world.process(world.worker(), [a_record(1), a_record(2)])
    world.ledger = asked = _Asked(world)
    owner = world.worker()

    for batch in ([a_record(1)], [a_record(2), a_record(3)], [a_record(4)], [a_record(5)]):
        world.process(owner, batch)

    assert asked.places == [1, 2, 1, 0]
