"""The roll-up and the import of labels on a real PostgreSQL: who waits for whom, what a broken connection leaves, what is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from infra.local.postgres.proxy import PostgresProxy
from schemas.history import MerchantHour, MerchantWindows, Wanted
from sinks.errors import TransientSinkError
from sinks.ledger.connection import Connection
from sinks.ledger.feedback_rules import begin_of, hour_of
from sinks.ledger.labels import PostgresLabels, lock_labels
from sinks.ledger.partitions import drop_partitions, make_partitions, week_of
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.queries import query
from sinks.ledger.roll_up import PostgresRollUp
from tests import builders
from tests.contract.databases import execute
from tests.contract.feedback_builders import NOW, THIS_HOUR, a_decision_at, a_label

pytestmark = pytest.mark.real

WEEK = 7 * 24
LONG_AGO = THIS_HOUR - WEEK - 10
SOON = NOW + timedelta(hours=2)
WAITING = b"""
select count(*) from pg_stat_activity
where application_name in ('fraudstream-labels', 'fraudstream-roll-up') and datname = current_database()
    and wait_event_type = 'Lock'
"""
KILL = b"""
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'fraudstream-roll-up' and datname = current_database()
"""


@pytest.fixture
def labels(database_url: str) -> Iterator[PostgresLabels]:
    set_hours_until(database_url, LONG_AGO)
    with closing(PostgresLabels(database_url)) as opened:
        yield opened


@pytest.fixture
def roll_up(database_url: str) -> Iterator[PostgresRollUp]:
    with closing(PostgresRollUp(database_url)) as opened:
        opened.lag(NOW)  # so that it is connected
        yield opened


def set_hours_until(dsn: str, hour: int) -> None:
    execute(dsn, b"update fraudstream.roll_up set hours_until = %d" % hour)


def work(roll_up: PostgresRollUp, now: datetime = SOON) -> None:
    while roll_up.take_step(now):
        pass


def windows(ledger: PostgresLedger, hour: int) -> MerchantWindows:
    asked = MerchantHour("m-1", hour)
    return ledger.look_up([], [], Wanted({}, [asked])).merchants[asked]


@contextmanager
def a_transaction(dsn: str) -> Iterator[Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection, connection.transaction():
        yield connection


def waited_for(dsn: str, call: Callable[[], Any], pool: ThreadPoolExecutor) -> Future[Any]:
    """Start `call` and return when it waits for a lock; it must not end without."""
    future = pool.submit(call)
    while execute(dsn, WAITING) == [(0,)]:
        assert not future.done(), f"did not wait: {future.result()}"
        time.sleep(0.01)
    return future


def test_a_label_becomes_known_after_its_turn_came_not_when_it_began_to_wait(
    labels: PostgresLabels, database_url: str
) -> None:
    labels.find("t-1")
    with ThreadPoolExecutor(1) as pool:
        with a_transaction(database_url) as other:
            lock_labels(other)
            put = waited_for(database_url, lambda: labels.put([a_label()]), pool)
            [(released,)] = other.execute("select clock_timestamp()")
        put.result()

    assert labels.find("t-1")[0].known_at - timedelta(minutes=10) > released


def test_the_roll_up_waits_for_a_label_that_is_being_stored(
    ledger: PostgresLedger, labels: PostgresLabels, roll_up: PostgresRollUp, database_url: str
) -> None:
    ledger.commit([a_decision_at(LONG_AGO)], [], [])
    labels.put([a_label()])
    with ThreadPoolExecutor(1) as pool:
        with a_transaction(database_url) as other:
            lock_labels(other)
            other.execute("update fraudstream.label set source = 'analyst'")
            step = waited_for(database_url, lambda: roll_up.take_step(SOON), pool)
        assert step.result()

    [label] = labels.find("t-1")
    assert (label.source, label.due_at) == ("analyst", None)


def test_counting_waits_for_a_partition_that_is_being_made(
    labels: PostgresLabels, roll_up: PostgresRollUp, database_url: str
) -> None:
    labels.find("t-1")
    with ThreadPoolExecutor(1) as pool:
        with a_transaction(database_url) as other:
            other.execute("lock table only fraudstream.decision in share row exclusive mode")
            step = waited_for(database_url, lambda: roll_up.take_step(SOON), pool)
        assert step.result()


def test_while_one_container_rolls_up_the_others_do_nothing(
    labels: PostgresLabels, roll_up: PostgresRollUp, database_url: str
) -> None:
    labels.put([a_label()])
    with a_transaction(database_url) as other:
        other.execute(query("try_lock"), {"name": "fraudstream.roll_up"})
        assert not roll_up.take_step(SOON)

    assert roll_up.take_step(SOON)


@pytest.mark.parametrize("is_label", [True, False])
def test_a_step_whose_answer_is_lost_is_not_done_twice(
    ledger: PostgresLedger, labels: PostgresLabels, database_url: str, is_label: bool
) -> None:
    ledger.commit([a_decision_at(LONG_AGO)], [], [])
    labels.put([a_label()] if is_label else [])
    with closing(PostgresProxy(database_url)) as proxy, closing(PostgresRollUp(proxy.dsn)) as roll_up:
        roll_up.lag(NOW)
        proxy.lose_next_answer()
        with pytest.raises(TransientSinkError):
            work(roll_up)
        work(roll_up)

    frauds = int(is_label)
    assert windows(ledger, THIS_HOUR + 3) == ((1, 1, 1), (frauds, frauds, frauds))


def test_a_step_that_is_killed_leaves_nothing_and_is_done_again(
    ledger: PostgresLedger, labels: PostgresLabels, roll_up: PostgresRollUp, database_url: str
) -> None:
    ledger.commit([a_decision_at(LONG_AGO)], [], [])
    labels.put([a_label()])
    with ThreadPoolExecutor(1) as pool, a_transaction(database_url) as other:
        other.execute("lock table fraudstream.merchant_fraud in access exclusive mode")
        step = waited_for(database_url, lambda: roll_up.take_step(SOON), pool)
        execute(database_url, KILL)
        with pytest.raises(TransientSinkError):
            step.result()
        assert labels.find("t-1")[0].due_at is not None

    work(roll_up)
    assert windows(ledger, THIS_HOUR + 3).frauds == (1, 1, 1)


def test_hours_are_counted_again_from_where_an_operator_sets_the_roll_up_back(
    ledger: PostgresLedger, labels: PostgresLabels, roll_up: PostgresRollUp, database_url: str
) -> None:
    ledger.commit([a_decision_at(LONG_AGO, "t-1")], [], [])
    work(roll_up)
    ledger.commit([a_decision_at(LONG_AGO, "much too late")], [], [])
    assert labels.find("much too late") == []

    set_hours_until(database_url, LONG_AGO)
    work(roll_up)

    assert windows(ledger, THIS_HOUR).counts == (2, 2, 2)


def test_what_was_counted_outlives_its_partition_and_labels_of_dropped_events_are_taken(
    ledger: PostgresLedger, labels: PostgresLabels, roll_up: PostgresRollUp, database_url: str
) -> None:
    make_partitions(database_url, NOW)
    hour = hour_of(week_of(NOW - timedelta(days=8)).first)
    set_hours_until(database_url, hour)
    ledger.commit([a_decision_at(hour, "t-1"), a_decision_at(hour, "t-2")], [], [])
    labels.put([a_label("t-1")])
    later = begin_of(hour) + timedelta(days=16)
    work(roll_up, later)
    asks = hour_of(later)
    assert windows(ledger, asks) == ((0, 0, 2), (0, 0, 1))

    with psycopg.connect(database_url, autocommit=True) as connection:
        dropped = drop_partitions(connection, week_of(begin_of(hour)).end)

    assert week_of(begin_of(hour)).partition in dropped
    assert list(labels.put([a_label("t-2"), a_label("t-1")])) == ["early", "repeated"]
    work(roll_up, later + timedelta(hours=5))
    assert windows(ledger, asks) == ((0, 0, 2), (0, 0, 1))


COPIES = b"""
insert into fraudstream.decision
select (jsonb_populate_record(d, jsonb_build_object(
    'transaction_id', 'copy-' || i, 'user_id', 'u-' || i % 5000, 'event_time', d.event_time + i * interval '20 seconds'
))).*
from fraudstream.decision as d, generate_series(1, 30000) as i
"""


def test_counting_an_hour_reads_about_that_hour(ledger: PostgresLedger, database_url: str) -> None:
    begin = week_of(builders.NOW).first
    ledger.commit([a_decision_at(hour_of(begin), minute=0)], [], [])
    execute(database_url, COPIES)
    execute(database_url, b"vacuum analyze fraudstream.decision")
    hour = hour_of(begin) + 80
    parameters = {"hour": hour, "begin": begin_of(hour), "end": begin_of(hour + 1)}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for each in ("session", "roll_up_session"):
            connection.execute(query(each))
        [(explained,)] = connection.execute(b"explain (analyze, format json) " + query("count_hour"), parameters)

    scans = [node for node in nodes_of(explained[0]["Plan"]) if node.get("Relation Name", "").startswith("decision")]
    read = sum(node["Actual Rows"] + node.get("Rows Removed by Index Recheck", 0) for node in scans)
    print(f"{explained[0]['Plan']['Actual Total Time']} ms, {read} of 30,000 rows read")
    assert sum(node["Actual Rows"] for node in scans) == 180
    assert {node["Node Type"] for node in scans} == {"Bitmap Heap Scan"}
    assert read < 6_000  # the granularity of BRIN: 128 pages


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def test_known_at_is_by_the_databases_clock(labels: PostgresLabels, database_url: str) -> None:
    [(before,)] = execute(database_url, b"select clock_timestamp()")
    labels.put([a_label()])
    [(after,)] = execute(database_url, b"select clock_timestamp()")

    assert isinstance(before, datetime)
    assert isinstance(after, datetime)
    assert before <= labels.find("t-1")[0].known_at.astimezone(UTC) - timedelta(minutes=10) <= after
