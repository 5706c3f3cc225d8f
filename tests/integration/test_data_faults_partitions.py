"""Events of odd dates: caught by the default partition, moved out of it, and decided once before, while and after they move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event

import psycopg
import pytest

from consumer.batch import Reader
from infra.local.environment import LocalEnvironment
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.position import StreamRecord
from sinks.ledger.partitions import ensure_partitions, make_partitions, week_of
from sinks.ledger.postgres import PostgresLedger
from sinks.port import Refusal
from tests.integration.real_world import OTHER_SHARD, RealWorld, a_record
from tests.pipeline_builders import NOW, an_event

pytestmark = pytest.mark.real

ANY_TIME = Reader(bounds=None)
ODD = NOW + timedelta(weeks=40)
IN_DEFAULT = b"select count(*) from fraudstream.decision_default"
WAITING = b"select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
ROUNDS, EVENTS = 12, 240


@pytest.fixture
def world(local_environment: LocalEnvironment) -> Iterator[RealWorld]:
    made = RealWorld(local_environment)
    yield made
    made.close()


def an_odd_record(number: int, transaction_id: str, moment: datetime = ODD, **changes: object) -> StreamRecord:
    return a_record(number, an_event(transaction_id, timestamp=moment.isoformat(), **changes))


def in_default(world: RealWorld) -> object:
    return world.execute(IN_DEFAULT)[0][0]


def test_first_write_wins_before_and_after_rows_leave_the_default_partition(world: RealWorld) -> None:
    moments = [
        ODD,
        ODD + timedelta(days=1),
        datetime.fromisoformat("0001-01-01T00:00:00Z"),
        NOW - timedelta(weeks=3000),
    ]
    records = [an_odd_record(n, f"t-{n}", moment) for n, moment in enumerate(moments, 1)]
    owner = world.owner(reader=ANY_TIME)
    owner.process(*records)
    owner.process(an_odd_record(5, "t-1"), an_odd_record(6, "t-1", amount=99))
    assert in_default(world) == 4

    assert week_of(ODD).partition in make_partitions(world.database_url, ODD)
    assert in_default(world) == 2
    owner.process(an_odd_record(7, "t-1"), an_odd_record(8, "t-1", amount=99), an_odd_record(9, "t-9"))
    replaying = world.owner(reader=ANY_TIME)
    replaying.process(*world.published.values())
    replaying.stop()

    assert world.refusals() == {6: "conflicting_resend", 8: "conflicting_resend"}
    assert world.in_lake() == world.decided() == [1, 2, 3, 4, 9]
    assert in_default(world) == 2
    assert world.audit() == []


def test_the_ends_of_the_calendar_are_decided_and_found_again(world: RealWorld) -> None:
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"
    records = [a_record(n, an_event(f"t-{n}", timestamp=moment)) for n, moment in ((1, first), (2, last))]
    owner = world.owner(reader=ANY_TIME)
    for _ in range(2):
        owner.process(*records)
        owner = world.owner(reader=ANY_TIME)
    owner.process(*records, a_record(3, an_event("t-2", timestamp="9999-12-31T00:00:00Z")))
    owner.stop()

    assert world.refusals() == {3: "conflicting_resend"}
    assert world.in_lake() == [1, 2]
    assert world.audit() == []


class MetByTheMove(PostgresLedger):
    """A ledger whose first commit finds that its rows' partition is being made, after its look-up saw none."""

    def __init__(self, world: RealWorld) -> None:
        super().__init__(world.database_url)
        self._world, self._moves = world, [ODD]
        self._pool = ThreadPoolExecutor(1)

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        if self._moves:
            began = Event()
            self._pool.submit(_move, self._world, self._moves.pop(), began)
            assert began.wait(timeout=30)
        return super().commit(decisions, alerts, refusals)

    def close(self) -> None:
        self._pool.shutdown()
        super().close()


def _move(world: RealWorld, moment: datetime, began: Event) -> None:
    """Make partitions in a transaction that ends when somebody waits for it."""
    with psycopg.connect(world.database_url, autocommit=True) as connection, connection.transaction():
        ensure_partitions(connection, moment)
        began.set()
        while world.execute(WAITING) == [(0,)]:
            pass


def test_a_batch_that_meets_the_making_of_its_partition_between_look_up_and_commit_is_decided_once(
    world: RealWorld,
) -> None:
    world.owner(reader=ANY_TIME).process(an_odd_record(1, "t-1"))
    owner = world.owner(reader=ANY_TIME, ledger=MetByTheMove(world))

    owner.process(an_odd_record(1, "t-1"), an_odd_record(2, "t-2"))
    owner.stop()

    assert world.refusals() == {}
    assert world.in_lake() == world.decided() == [1, 2]
    assert in_default(world) == 0
    assert world.audit() == []


def test_a_batch_that_comes_while_the_rows_move_waits_and_finds_them(world: RealWorld) -> None:
    owner = world.owner(reader=ANY_TIME)
    owner.process(an_odd_record(1, "t-1"))
    began = Event()
    with ThreadPoolExecutor(1) as pool:
        moved = pool.submit(_move, world, ODD, began)
        assert began.wait(timeout=30)
        owner.process(an_odd_record(2, "t-2"), an_odd_record(3, "t-1", amount=99), an_odd_record(4, "t-1"))
        moved.result()
    owner.stop()

    assert world.refusals() == {3: "conflicting_resend"}
    assert world.in_lake() == world.decided() == [1, 2]
    assert in_default(world) == 0
    assert world.audit() == []


def test_two_shards_decide_while_one_partition_after_the_other_is_made(world: RealWorld) -> None:
    """Each event comes through both shards, in opposite order, while its row moves."""
    moments = [ODD + timedelta(weeks=n) for n in range(ROUNDS)]
    events = [an_event(f"t-{n}", timestamp=moments[n % ROUNDS].isoformat()) for n in range(EVENTS)]
    with ThreadPoolExecutor(3) as pool:
        futures = [
            pool.submit(_decide, world, [a_record(n, event) for n, event in enumerate(events)]),
            pool.submit(_decide, world, [a_record(n, e, shard_id=OTHER_SHARD) for n, e in enumerate(reversed(events))]),
            pool.submit(_make_all, world, moments),
        ]
        for future in futures:
            future.result()

    effects = world.effects()
    assert effects.refusals == {}
    assert sorted(row.transaction_id for row in effects.decisions) == sorted(f"t-{n}" for n in range(EVENTS))
    assert len(effects.lake) == EVENTS
    assert in_default(world) == 0
    assert world.audit() == []


def _decide(world: RealWorld, records: list[StreamRecord]) -> None:
    owner = world.owner(records[0].position.shard_id, reader=ANY_TIME)
    for start in range(0, len(records), 10):
        owner.process(*records[start : start + 10])
    owner.stop()


def _make_all(world: RealWorld, moments: list[datetime]) -> None:
    for moment in moments:
        make_partitions(world.database_url, moment)
