"""Identities that differ between two readers of one record, and rows that one event asked for and another must not mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from consumer.batch import Reader
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from sinks.ledger.memory import MemoryLedger
from sinks.port import Refusal
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
    theirs = first._replace(transaction_id="as-they-read-it", sequence_number="2")
    world.ledger = _Overtaken(world, theirs)
    owner = world.worker()

    world.process(owner, [a_record(2, an_event("t", amount=99))])  # to us, a conflict with the first
    world.stop(owner)

    assert world.refusals() == {}
    assert world.lake_ids() == ["as-they-read-it"]
