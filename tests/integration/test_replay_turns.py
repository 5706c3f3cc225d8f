"""Replays of one letter by two releases at once take turns at its refusal: the second sees what the first decided."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from schemas.decision import Decision
from sinks.ledger import replays
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.replays import PostgresReplayLedger
from sinks.port import Delivery
from tests.contract.databases import execute
from tests.contract.ledger_builders import a_decision, a_refusal

pytestmark = pytest.mark.real

REFUSED = a_refusal()
DELIVERY = Delivery(REFUSED.position, REFUSED.arrival_time)
FIRST, SECOND = (a_decision(name, arrival_time=REFUSED.arrival_time) for name in ("first", "second"))


@pytest.fixture
def second(database_url: str, ledger: PostgresLedger) -> Iterator[PostgresReplayLedger]:
    ledger.commit([], [], [REFUSED])
    with closing(PostgresReplayLedger(database_url, dedup_horizon=timedelta(days=1))) as opened:
        opened.look_up([], [DELIVERY])
        yield opened


def hold_refusal(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Hold the refusal as the first replay does; said here again, so that the product's own statement may fail."""
    connection.execute("select 1 from fraudstream.refused for no key update")


def wait_blocked(database_url: str, waiting: Future[Decision | None]) -> None:
    """Return once the other connection waits for a lock; a wait that never comes is a failed test."""
    deadline_s = time.monotonic() + 30
    while not execute(database_url, b"select 1 from pg_locks where not granted"):
        assert not waiting.done(), "it did not wait for its turn"
        assert time.monotonic() < deadline_s, "it never waited"


def test_the_second_replay_waits_and_takes_what_the_first_decided(
    database_url: str, second: PostgresReplayLedger
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            hold_refusal(connection)
            waiting = pool.submit(second.decide, DELIVERY, SECOND, None)
            wait_blocked(database_url, waiting)
            replays._insert(connection, DELIVERY, FIRST, None)
        assert waiting.result(30) == FIRST
    assert list(second.look_up([], [DELIVERY]).decisions) == [FIRST]
