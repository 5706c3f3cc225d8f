"""Weekly partitions: contiguous, made ahead of time, and able to take back what the default partition caught."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from sinks.errors import TransientSinkError
from sinks.ledger.commit import write_batch
from sinks.ledger.partitions import (
    AHEAD,
    BEHIND,
    drop_partitions,
    ensure_partitions,
    make_partitions,
    week_of,
    weeks_around,
)
from sinks.ledger.postgres import PostgresLedger
from tests.builders import NOW
from tests.contract.databases import execute, migrated_database
from tests.contract.ledger_builders import a_decision

pytestmark = pytest.mark.real

LATER = NOW + timedelta(weeks=10)
PLACES = b"select transaction_id, c.relname from fraudstream.decision join pg_class as c on c.oid = decision.tableoid order by 1"
WAITED_FOR = b"select relname from pg_locks join pg_class c on c.oid = relation where not granted"
WAITS = b"select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.fixture
def database_url() -> str:
    return migrated_database()


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def ledger(database_url: str) -> Iterator[PostgresLedger]:
    with closing(PostgresLedger(database_url)) as opened:
        yield opened


moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - gets UTC


@given(moments)
def test_a_week_starts_on_monday_and_holds_its_moment(moment: datetime) -> None:
    week = week_of(moment)

    assert week.first.isoformat()[10:] == "T00:00:00+00:00"
    assert week.first.weekday() == 0
    assert week.first <= moment < week.end == week.first + timedelta(days=7)


@given(moments)
def test_the_weeks_around_a_moment_have_no_gap_and_sort_by_name(now: datetime) -> None:
    weeks = weeks_around(now)

    assert weeks[0].first <= now - BEHIND
    assert weeks[-1].end > now + AHEAD
    assert all(before.end == after.first for before, after in pairwise(weeks))
    assert [week.partition for week in weeks] == sorted({week.partition for week in weeks})


def test_rows_go_into_the_partition_of_their_week(ledger: PostgresLedger, database_url: str) -> None:
    monday = datetime(2026, 8, 10, tzinfo=UTC)
    times = {"a": monday - timedelta(milliseconds=1), "b": monday, "c": datetime(1999, 1, 1, tzinfo=UTC)}
    ledger.commit([a_decision(name, event_time=time) for name, time in times.items()], [], [])

    assert execute(database_url, PLACES) == [
        ("a", "decision_2026w32"),
        ("b", "decision_2026w33"),
        ("c", "decision_default"),
    ]


def test_making_partitions_again_makes_none(database_url: str) -> None:
    made = make_partitions(database_url, NOW + timedelta(weeks=1))

    assert made == ("decision_2026w37",)
    assert make_partitions(database_url, NOW + timedelta(weeks=1)) == ()


def test_a_new_partition_takes_its_rows_out_of_the_default_one(ledger: PostgresLedger, database_url: str) -> None:
    early, late = a_decision("early", event_time=LATER), a_decision("late", event_time=LATER + timedelta(weeks=52))
    ledger.commit([early, late], [], [])

    make_partitions(database_url, LATER)

    assert execute(database_url, PLACES) == [
        ("early", week_of(LATER).partition),
        ("late", "decision_default"),
    ]
    assert ledger.commit([early._replace(model_version="model-2"), late], [], []) == {
        early.identity: early,
        late.identity: late,
    }


def test_a_batch_that_meets_the_making_of_its_partition_waits_before_its_rows_are_routed(
    ledger: PostgresLedger, database_url: str, connection: psycopg.Connection
) -> None:
    decision = a_decision(event_time=LATER)
    ledger.check()

    with ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            ensure_partitions(connection, LATER)
            commit = pool.submit(ledger.commit, [decision], [], [])
            while not (waited_for := execute(database_url, WAITED_FOR)):
                pass
        assert commit.result() == {decision.identity: decision}

    assert waited_for == [("decision",)], "not for the default partition, to which it would be routed already"
    assert execute(database_url, PLACES) == [("t-1", week_of(LATER).partition)]


def test_a_row_that_meets_a_partition_attached_by_hand_is_infrastructure_not_data(
    ledger: PostgresLedger, database_url: str, connection: psycopg.Connection
) -> None:
    week = week_of(LATER)
    by_hand = sql.SQL(
        "lock table fraudstream.decision_default; create table by_hand (like fraudstream.decision including all);"
        "alter table fraudstream.decision attach partition by_hand for values from ({}) to ({})"
    ).format(sql.Literal(week.first), sql.Literal(week.end))
    ledger.check()

    with ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            connection.execute(by_hand)
            commit = pool.submit(ledger.commit, [a_decision(event_time=LATER)], [], [])
            while execute(database_url, WAITS) == [(0,)]:
                pass
        with pytest.raises(TransientSinkError):
            commit.result()


def test_a_row_still_being_written_into_the_default_partition_is_moved_too(
    ledger: PostgresLedger, database_url: str
) -> None:
    week = weeks_around(LATER)[0]  # the first to be made: later ones see what was committed while it waited
    decision = a_decision(event_time=week.first)

    with ThreadPoolExecutor(1) as pool:
        with ledger._session.use() as writing, writing.transaction():
            write_batch(writing, [decision], [], [])
            made = pool.submit(make_partitions, database_url, LATER)
            while execute(database_url, WAITS) == [(0,)]:
                pass
        assert week.partition in made.result()

    assert execute(database_url, PLACES) == [("t-1", week.partition)]


def test_only_partitions_that_ended_in_time_are_dropped(
    ledger: PostgresLedger, database_url: str, connection: psycopg.Connection
) -> None:
    weeks = weeks_around(NOW)
    times = {"odd": datetime(1999, 1, 1, tzinfo=UTC), "old": weeks[0].first, "new": weeks[1].first}
    ledger.commit([a_decision(name, event_time=time) for name, time in times.items()], [], [])

    assert drop_partitions(connection, weeks[0].end - timedelta(milliseconds=1)) == ()
    assert drop_partitions(connection, weeks[0].end) == (weeks[0].partition,)

    assert [name for name, _ in execute(database_url, PLACES)] == ["new", "odd"]
