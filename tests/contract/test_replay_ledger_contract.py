"""What every ledger must do for replays of dead letters, memory and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import cache, partial
from typing import NamedTuple

import pytest

from schemas.decision import Decision
from schemas.position import StreamEpoch
from sinks.errors import DataRefusedError, OvertakenError, PermanentSinkError
from sinks.ledger.memory import MemoryLedger
from sinks.ledger.memory_outbox import MemoryOutbox
from sinks.ledger.memory_replays import MemoryReplayLedger
from sinks.ledger.outbox import OutboxTerms, PostgresOutbox
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.replays import PostgresReplayLedger
from sinks.port import Delivery, Ledger, Outbox, ReplayLedger
from tests.builders import NOW
from tests.contract.databases import empty_tables, migrated_database
from tests.contract.ledger_builders import a_decision, a_delivery, a_refusal, a_risky_decision, an_alert

HORIZON = timedelta(hours=24)
REFUSED = a_refusal()
DELIVERY = Delivery(REFUSED.position, REFUSED.arrival_time)
OWN = a_risky_decision(arrival_time=REFUSED.arrival_time)
OTHER = a_decision("t-other", arrival_time=REFUSED.arrival_time)
"""Another identity at the same position: what a release that reads the event otherwise would decide."""


class Subject(NamedTuple):
    """One store, with a ledger and an outbox on it; `replays` makes a handle as another process would have."""

    ledger: Ledger
    outbox: Outbox
    replays: Callable[[], ReplayLedger]


@contextmanager
def _memory() -> Iterator[Subject]:
    ledger = MemoryLedger()
    outbox = MemoryOutbox(ledger.store, lambda: NOW, OutboxTerms(max_age=None))
    yield Subject(ledger, outbox, lambda: MemoryReplayLedger(ledger))


@cache
def _database() -> str:
    return migrated_database()


@contextmanager
def _postgres() -> Iterator[Subject]:
    dsn = _database()
    empty_tables(dsn)
    with ExitStack() as opened:
        ledger = opened.enter_context(closing(PostgresLedger(dsn)))
        outbox = opened.enter_context(closing(PostgresOutbox(dsn, OutboxTerms(max_age=None))))

        def replays() -> PostgresReplayLedger:
            return opened.enter_context(closing(PostgresReplayLedger(dsn, dedup_horizon=HORIZON)))

        yield Subject(ledger, outbox, replays)


@pytest.fixture(params=[_memory, pytest.param(_postgres, marks=pytest.mark.real)], ids=["memory", "postgres"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with request.param() as made:
        made.ledger.commit([], [], [REFUSED])
        yield made


def decisions_at(subject: Subject) -> list[Decision]:
    return list(subject.ledger.look_up([], [DELIVERY]).decisions)


def test_a_refused_record_is_decided_with_every_column_as_it_was(subject: Subject) -> None:
    assert subject.replays().decide(DELIVERY, OWN, None) == OWN
    assert decisions_at(subject) == [OWN]


def test_the_verdict_stays_a_refusal_for_whoever_looks_it_up(subject: Subject) -> None:
    replays = subject.replays()
    replays.decide(DELIVERY, OWN, None)
    replays.resolve(DELIVERY, OWN)
    assert subject.ledger.look_up([], [DELIVERY]).refusals == {REFUSED.position: REFUSED}
    with pytest.raises(OvertakenError):
        subject.ledger.commit([OTHER], [], [])


def test_the_alert_of_a_replay_is_never_claimed(subject: Subject) -> None:
    subject.replays().decide(DELIVERY, OWN, an_alert(OWN))
    assert (subject.outbox.claim(10), subject.outbox.pending()) == ([], 0)


def test_deciding_again_gives_back_what_stands_whatever_is_proposed(subject: Subject) -> None:
    subject.replays().decide(DELIVERY, OWN, None)
    for again in (OWN, OWN._replace(score=0.0), OTHER):
        assert subject.replays().decide(DELIVERY, again, None) == OWN
    assert decisions_at(subject) == [OWN]


def test_an_event_that_was_decided_elsewhere_gives_back_its_row(subject: Subject) -> None:
    elsewhere = OWN._replace(sequence_number=str(REFUSED.position.sequence_number + 7), user_id="first")
    subject.ledger.commit([elsewhere], [], [])
    assert subject.replays().decide(DELIVERY, OWN, an_alert(OWN)) == elsewhere
    assert decisions_at(subject) == []
    assert subject.replays().resolve(DELIVERY, elsewhere)


def test_what_is_resolved_is_never_decided_again(subject: Subject) -> None:
    elsewhere = OTHER._replace(sequence_number="7")
    subject.ledger.commit([elsewhere], [], [])
    assert subject.replays().resolve(DELIVERY, elsewhere)
    assert subject.replays().decide(DELIVERY, OWN, None) is None
    assert decisions_at(subject) == []


def test_resolving_again_changes_nothing(subject: Subject) -> None:
    subject.replays().decide(DELIVERY, OWN, None)
    assert [subject.replays().resolve(DELIVERY, OWN) for _ in range(2)] == [True, True]


def test_a_refusal_is_not_resolved_by_another_row_while_its_own_may_not_be_in_the_lake(subject: Subject) -> None:
    subject.replays().decide(DELIVERY, OWN, None)
    assert not subject.replays().resolve(DELIVERY, OTHER._replace(sequence_number="7"))
    assert subject.replays().decide(DELIVERY, OWN, None) == OWN, "unresolved: its replay is still to be finished"


def test_a_row_that_cannot_be_stored_leaves_nothing(subject: Subject) -> None:
    replays = subject.replays()
    with pytest.raises(DataRefusedError):
        replays.decide(DELIVERY, OWN._replace(user_id="x" * 129), an_alert(OWN))
    assert decisions_at(subject) == []
    assert replays.decide(DELIVERY, OWN, None) == OWN


def test_a_record_without_a_refusal_is_neither_decided_nor_resolved(subject: Subject) -> None:
    unknown = a_delivery(REFUSED.position._replace(stream_epoch=StreamEpoch("20270101T000000Z")))
    with pytest.raises(PermanentSinkError, match="is it the ledger of this dead letter"):
        subject.replays().decide(unknown, OWN, None)
    with pytest.raises(PermanentSinkError, match="is it the ledger of this dead letter"):
        subject.replays().resolve(unknown, OWN)


def test_of_many_replays_at_once_with_different_releases_one_decides(subject: Subject) -> None:
    handles = [subject.replays() for _ in range(4)]
    proposals = [OWN._replace(transaction_id=f"t-{n}") for n in range(4)]
    for _ in range(5):
        with ThreadPoolExecutor(4) as pool:
            pairs = zip(handles, proposals, strict=True)
            found = [pool.submit(partial(handle.decide, DELIVERY, row, None)) for handle, row in pairs]
            rows = {future.result() for future in found}
        assert len(rows) == 1
    assert decisions_at(subject) == list(rows)
