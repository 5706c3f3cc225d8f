"""Faults of our own code and of the sinks, one record at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pytest

from consumer.batch import Reader
from consumer.scoring.features.memory import NotLoaded
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.decode import EventTimeBounds
from schemas.history import NOTHING_WANTED, Wanted
from schemas.position import ShardId
from sinks.errors import DataRefusedError, PermanentSinkError
from sinks.ledger.memory import MemoryLedger
from sinks.port import Candidate, Delivery, Known, Refusal
from tests.pipeline_builders import World, a_record, an_event
from tests.property.velocity_run import velocity_scorer


@dataclass(frozen=True, slots=True)
class BrokenBounds(EventTimeBounds):
    """A rule with a bug for one moment."""

    error: type[BaseException] = ZeroDivisionError

    def check(self, event_time: datetime, arrival_time: datetime) -> None:
        if event_time != arrival_time:
            raise self.error


BREAKING = an_event("breaks", timestamp="2026-03-01T11:59:00Z")


def test_a_record_that_breaks_the_decoder_is_set_aside_alone() -> None:
    world = World()
    worker = world.worker(reader=Reader(BrokenBounds()))
    world.process(worker, [a_record(1), a_record(2, BREAKING), a_record(3)])
    assert world.refusals() == {2: "processing_failed"}
    assert len(world.store.decisions) == 2


def test_a_lack_of_memory_is_nobodys_record_and_ends_the_worker() -> None:
    world = World()
    worker = world.worker(reader=Reader(BrokenBounds(error=MemoryError)))
    with pytest.raises(MemoryError):
        world.process(worker, [a_record(1), a_record(2, BREAKING)])
    assert (world.refusals(), world.checkpoints.positions) == ({}, [])


class TellsNoPast(MemoryLedger):
    """A ledger that does not answer what was asked of the past."""

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        return super().look_up(readable, unreadable, wanted)._replace(histories={})


def test_a_past_that_was_not_loaded_is_nobodys_record_and_ends_the_worker() -> None:
    world = World()
    world.ledger = TellsNoPast(world.store)
    with pytest.raises(NotLoaded):
        world.process(world.worker(scorer=velocity_scorer()), [a_record(1), a_record(2)])
    assert (world.refusals(), world.checkpoints.positions) == ({}, [])


class RefusesRefusals(MemoryLedger):
    """A ledger whose table of refusals is broken."""

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        if refusals:
            raise DataRefusedError
        return super().commit(decisions, alerts, refusals)


def test_a_ledger_that_refuses_refusals_stops_the_worker_without_a_checkpoint() -> None:
    world = World()
    world.ledger = RefusesRefusals(world.store)
    with pytest.raises(PermanentSinkError, match="refuses a refusal"):
        world.process(world.worker(), [a_record(1), a_record(2, b"bad")])
    assert world.checkpoints.positions == []


def test_what_another_shard_decided_meanwhile_is_what_counts() -> None:
    world = World()

    class DecidedMeanwhile(MemoryLedger):
        """Another shard's worker decides between our look-up and our commit."""

        def commit(
            self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
        ) -> Mapping[Identity, Decision]:
            for decision in decisions:
                other = decision._replace(
                    shard_id=ShardId("shardId-000000000009"), content_hash=hashes[decision.transaction_id]
                )
                self.store.decisions.setdefault(other.identity, other)
            return super().commit(decisions, alerts, refusals)

    same = Reader().read(a_record(1, an_event("same"))).transaction.content_hash  # type: ignore[union-attr]
    hashes = {"same": same, "other": b"another content"}
    world.ledger = DecidedMeanwhile(world.store)
    worker = world.worker()
    world.process(worker, [a_record(1, an_event("same")), a_record(2, an_event("other"))])
    world.stop(worker)
    assert world.refusals() == {2: "conflicting_resend"}
    assert world.lake_ids() == [], "both rows belong to the other shard"
