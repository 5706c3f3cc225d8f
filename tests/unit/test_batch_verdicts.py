"""What the ledger knows of a position is its verdict, whatever this release would say of the record."""

from __future__ import annotations

from datetime import timedelta

from consumer.batch import Batch, Reader, refusal_of
from schemas.decision import Decision
from sinks.port import Known, Refusal
from tests.pipeline_builders import World, a_record, an_event

HORIZON = timedelta(hours=24)


def test_a_record_that_was_refused_once_stays_refused() -> None:
    record = a_record(1)
    verdict = refusal_of(record, "decode", "invalid_json")
    batch = Batch(HORIZON)

    batch.sort([Reader().read(record)], Known({record.position: verdict}, ()))

    assert (batch.refused_before, batch.new, batch.effective) == ({record.position: verdict}, [], {})


def test_a_record_that_was_decided_once_stays_decided() -> None:
    record, decision = a_record(1, b"unreadable now"), _decided(1)
    unreadable = Reader().read(record)
    assert isinstance(unreadable, Refusal)
    batch = Batch(HORIZON)

    batch.sort([unreadable], Known({}, (decision,)))

    assert (batch.effective, batch.refused_now) == ({record.position: decision}, {})


def _decided(number: int) -> Decision:
    world = World()
    world.process(world.worker(), [a_record(number, an_event("t"))])
    [decision] = world.store.decisions.values()
    return decision
