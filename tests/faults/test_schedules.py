"""Whole processes, real signals, real PostgreSQL: after every schedule of faults the audit is clean. Times are told, never asserted.

FRAUDSTREAM_FAULT_SCHEDULES=3 strikes every kind of fault three times, FRAUDSTREAM_FAULT_MINUTES=30 adds that many minutes of
drawn faults in one deployment, FRAUDSTREAM_FAULT_SEED=7 draws others. Without them a short selection runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from consumer.chaos.catalogue import CATALOGUE, QUICK
from consumer.chaos.database_faults import CommitAnswerLost, CommitCut, PostgresCrashed
from consumer.chaos.fault import Fault
from consumer.chaos.process_faults import KillDaemon, KillWorker
from consumer.chaos.schedule import draw
from consumer.chaos.shard_faults import Split
from consumer.chaos.sink_faults import S3AnswerLost, S3Conflict, SnsPartlyFailed
from tests.faults.conftest import Prove

pytestmark = [pytest.mark.real, pytest.mark.daemon]

ROUNDS = int(os.environ.get("FRAUDSTREAM_FAULT_SCHEDULES", "0"))
MINUTES = float(os.environ.get("FRAUDSTREAM_FAULT_MINUTES", "0"))
SEED = int(os.environ.get("FRAUDSTREAM_FAULT_SEED", "1"))
IN_ONE_DEPLOYMENT = 6
LONG = [kind for kind in CATALOGUE.values() if kind.is_long]


def schedules(rounds: int) -> Iterator[tuple[int, tuple[type[Fault], ...]]]:
    """Every quick kind once a round, a few to a deployment, in other company each time."""
    for number in range(rounds):
        kinds = Random(f"{SEED} {number}").sample(QUICK, len(QUICK))
        for start in range(0, len(kinds), IN_ONE_DEPLOYMENT):
            yield SEED * 10_000 + number * 100 + start, tuple(kinds[start : start + IN_ONE_DEPLOYMENT])


def named(seed_and_kinds: tuple[int, tuple[type[Fault], ...]]) -> str:
    return f"seed-{seed_and_kinds[0]}"


@pytest.mark.parametrize(
    ("seed", "kinds"),
    [
        (1, (PostgresCrashed, KillWorker, Split, S3AnswerLost)),  # the split finds no leader but a dead one
        (8, (KillDaemon, SnsPartlyFailed, CommitAnswerLost, S3Conflict, CommitCut)),
    ],
    ids=["crash-kill-split-412", "kill-sns-commits-409"],
)
def test_a_selection_of_faults_loses_and_repeats_nothing(
    prove: Prove, seed: int, kinds: tuple[type[Fault], ...]
) -> None:
    outcome = prove(draw(seed, kinds), seed)
    assert [strike.kind for strike in outcome.strikes] == [kind.kind() for kind in kinds]


@pytest.mark.skipif(not ROUNDS, reason="FRAUDSTREAM_FAULT_SCHEDULES is not set")
@pytest.mark.parametrize("schedule", list(schedules(ROUNDS)), ids=named)
def test_every_kind_of_fault_loses_and_repeats_nothing(
    prove: Prove, schedule: tuple[int, tuple[type[Fault], ...]]
) -> None:
    seed, kinds = schedule
    prove(draw(seed, kinds), seed)


@pytest.mark.skipif(not ROUNDS, reason="FRAUDSTREAM_FAULT_SCHEDULES is not set")
@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("kind", LONG, ids=[kind.kind() for kind in LONG])
def test_a_fault_of_minutes_loses_and_repeats_nothing(prove: Prove, kind: type[Fault], number: int) -> None:
    seed = SEED * 10_000 + number
    prove(draw(seed, [kind]), seed)


@pytest.mark.skipif(not MINUTES, reason="FRAUDSTREAM_FAULT_MINUTES is not set")
def test_minutes_of_drawn_faults_lose_and_repeat_nothing(prove: Prove) -> None:
    prove(draw(SEED, QUICK, MINUTES * 60), SEED)
