"""Two owners of a shard may run at once: what several writers commit together must have one effective row each."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.decision import Decision, Identity
from sinks.port import Ledger
from tests.contract.ledger_builders import a_risky_decision, an_alert, float32
from tests.contract.ledger_subjects import SUBJECT_NAMES, SUBJECTS, LedgerSubject

WRITERS = 4
EVENTS = 2_000
BATCH = 250
ROUNDS = 6


@pytest.fixture(params=SUBJECT_NAMES)
def subject(request: pytest.FixtureRequest) -> Iterator[LedgerSubject]:
    with SUBJECTS[request.param]() as made:
        yield made


def decisions_of(writer: int) -> list[Decision]:
    """The same events, as this writer's model scores them in its own shard: owners of one shard would wait for each other."""
    scores = random.Random(writer)
    return [
        a_risky_decision(
            f"t-{i:05}",
            offset=writer * EVENTS + i,
            model_version=f"model-{writer}",
            score=float32(scores.random()),
            shard_id=f"shardId-{writer:012}",
        )
        for i in range(EVENTS)
    ]


def commit_all(ledger: Ledger, decisions: Sequence[Decision]) -> Mapping[Identity, Decision]:
    effective: dict[Identity, Decision] = {}
    for start in range(0, len(decisions), BATCH):
        batch = decisions[start : start + BATCH]
        effective |= ledger.commit(batch, [an_alert(decision) for decision in batch[:5]], [])
    return effective


def run_writers(subject: LedgerSubject, batches: Sequence[Sequence[Decision]]) -> list[Mapping[Identity, Decision]]:
    with ThreadPoolExecutor(len(batches)) as pool:
        futures = [pool.submit(commit_all, subject.new_ledger(), decisions) for decisions in batches]
        return [future.result() for future in futures]


def test_writers_of_the_same_events_agree_on_every_effective_row(subject: LedgerSubject) -> None:
    views = run_writers(subject, [decisions_of(writer) for writer in range(WRITERS)])

    assert len(views[0]) == EVENTS
    assert all(view == views[0] for view in views)


def test_every_event_alerts_once_whoever_wins(subject: LedgerSubject) -> None:
    run_writers(subject, [decisions_of(writer) for writer in range(WRITERS)])

    assert len(subject.alert_ids()) == EVENTS // BATCH * 5


def test_writers_in_opposite_orders_do_not_deadlock(subject: LedgerSubject) -> None:
    ledgers = [subject.new_ledger(), subject.new_ledger()]

    with ThreadPoolExecutor(2) as pool:
        for round_ in range(ROUNDS):  # a round meets only once: afterwards its rows are there and nobody waits
            batches = [
                [a_risky_decision(f"t-{round_}-{i:05}", shard_id=shard_id) for i in range(EVENTS)]
                for shard_id in ("shardId-000000000000", "shardId-000000000001")
            ]
            batches[1].reverse()
            views = list(pool.map(lambda ledger, batch: ledger.commit(batch, [], []), ledgers, batches))
            assert views[0] == views[1]
