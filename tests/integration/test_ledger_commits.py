"""What only PostgreSQL can get wrong in a commit: what others commit meanwhile, what the role says, and who makes a partition."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from sinks.errors import DataRefusedError, TransientSinkError
from sinks.ledger.commit import write_batch
from sinks.ledger.partitions import ensure_partitions, make_partitions
from sinks.ledger.postgres import PostgresLedger
from tests.builders import NOW
from tests.contract.databases import execute, migrated_database
from tests.contract.ledger_builders import a_candidate, a_decision, a_risky_decision, an_alert

pytestmark = pytest.mark.real

LATER = NOW + timedelta(weeks=10)
WAITING = b"select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


def wait_until_it_waits(call: Future[Any], database_url: str) -> None:
    while not call.done() and execute(database_url, WAITING) == [(0,)]:
        time.sleep(0.01)


def test_what_was_committed_while_the_insert_waited_is_effective(ledger: PostgresLedger, database_url: str) -> None:
    theirs = a_decision(shard_id="shardId-000000000009", model_version="theirs")
    ours, new = a_decision(), a_decision("t-2", offset=1)
    ledger.check()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url, autocommit=True) as other:
        with other.transaction():
            write_batch(other, [theirs], [], [])
            call = pool.submit(ledger.commit, [ours, new], [], [])
            wait_until_it_waits(call, database_url)
        assert call.result() == {theirs.identity: theirs, new.identity: new}


def test_a_decision_whose_alert_cannot_be_born_is_not_written(ledger: PostgresLedger, database_url: str) -> None:
    decision = a_risky_decision()

    with pytest.raises(DataRefusedError):
        ledger.commit([decision], [an_alert(decision, rule="r" * 65)], [])

    assert execute(database_url, b"select count(*) from fraudstream.decision") == [(0,)]


def test_a_look_up_of_far_apart_events_stays_within_the_horizon_of_each(ledger: PostgresLedger) -> None:
    between = a_decision("t-1", event_time=NOW + timedelta(days=5))
    ledger.commit([between], [], [])
    early, late = a_decision("t-1", event_time=NOW), a_decision("t-1", event_time=NOW + timedelta(days=10))

    assert ledger.look_up([a_candidate(early), a_candidate(late)], []).decisions == ()


def test_a_role_that_does_not_wait_for_the_disk_commits_to_it_all_the_same(
    ledger: PostgresLedger, database_url: str
) -> None:
    execute(database_url, b"alter role current_user set synchronous_commit = off")
    try:
        with ledger._session.use() as connection:
            assert connection.execute("show synchronous_commit").fetchone() == ("on",)
    finally:
        execute(database_url, b"alter role current_user reset synchronous_commit")


def test_a_server_that_became_read_only_is_left_for_the_new_primary(ledger: PostgresLedger) -> None:
    with ledger._session.use() as connection:
        connection.execute("set default_transaction_read_only = on")

    with pytest.raises(TransientSinkError) as moved:
        ledger.commit([a_decision()], [], [])

    assert moved.value.facts["sqlstate"] == "25006"
    assert ledger.commit([a_decision()], [], []) == {a_decision().identity: a_decision()}


def test_whoever_makes_partitions_at_the_same_time_waits_and_makes_none() -> None:
    database_url = migrated_database()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url, autocommit=True) as other:
        with other.transaction():
            made = ensure_partitions(other, LATER)
            call = pool.submit(make_partitions, database_url, LATER)
            wait_until_it_waits(call, database_url)
        assert call.result() == ()
    assert len(made) > 1
