"""The order of a batch's effects, and what a crash, an outage or a second `initialize` in between leaves to the next delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from consumer.scoring.features import Memory
from consumer.scoring.scorer import Scored, Scorer
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.position import Position
from schemas.transaction import Transaction
from sinks.errors import TransientSinkError
from sinks.lake.chunks import CutPolicy
from sinks.ledger.memory import MemoryLedger
from sinks.port import Refusal
from tests.pipeline_builders import SCORER, SHARD, World, a_record, an_event


def test_nothing_is_checkpointed_before_the_dead_letters_stand() -> None:
    world = World()
    worker = world.worker()
    worker._cut = CutPolicy(max_records=1)
    worker.initialize(SHARD, None)
    world.dead_letters.fail_next(99)
    with pytest.raises(TransientSinkError):
        world.process(worker, [a_record(1, b"bad")])
    assert (world.checkpoints.positions, world.lake.objects) == ([], {})


def test_a_dead_letter_that_a_crash_prevented_is_written_at_the_replay() -> None:
    world = World()
    world.dead_letters.fail_next(3)
    with pytest.raises(TransientSinkError):
        world.process(world.worker(), [a_record(1, b"bad")])
    assert world.refusals() == {1: "invalid_json"}
    world.process(world.worker(), [a_record(1, b"bad")])
    assert [letter.sequence_number for letter in world.dead_letters.letters()] == ["1"]


class _Away(MemoryLedger):
    """A ledger that can be asked, and whose commits fail."""

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        raise TransientSinkError(f"cannot write {len(decisions)} + {len(alerts)} + {len(refusals)}")


def test_a_ledger_that_is_away_is_no_records_fault() -> None:
    world = World()
    world.ledger = _Away(world.store)
    with pytest.raises(TransientSinkError, match=r"cannot write 2 \+ 0 \+ 0"):
        world.process(world.worker(), [a_record(1), a_record(2)])
    assert (world.refusals(), world.dead_letters.count(), world.checkpoints.positions) == ({}, 0, [])


class _Counting(Scorer):
    """Scores as ever and counts."""

    def __init__(self) -> None:
        self.__dict__.update(SCORER.__dict__)
        self.scored = 0

    def score(self, transactions: Sequence[Transaction], memory: Memory | None = None) -> Sequence[Scored]:
        self.scored += len(transactions)
        return super().score(transactions, memory)


def test_neither_a_replay_nor_a_repetition_is_scored_again() -> None:
    world, scorer = World(), _Counting()
    for _ in range(2):
        world.process(world.worker(scorer=scorer), [a_record(1), a_record(2)])
    world.process(world.worker(scorer=scorer), [a_record(3, an_event("t-1"))])
    assert scorer.scored == 2


def test_a_shard_that_is_initialised_again_begins_a_new_chain() -> None:
    world = World()
    worker, other = world.worker(), world.worker()
    world.process(worker, [a_record(1), a_record(2)])
    world.process(other, [a_record(1)])
    world.stop(other)
    worker.initialize(SHARD, Position(1))
    world.process(worker, [a_record(2), a_record(3)])
    world.stop(worker)
    assert world.lake_ids() == ["t-1", "t-2", "t-3"]
    assert world.checkpoints.positions == [Position(1), Position(3)]
