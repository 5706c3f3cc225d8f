"""Retention of reservations, which only PostgreSQL has: the oldest go, in bounded steps, and what is young stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from sinks.errors import TransientSinkError
from sinks.front import Reservation
from sinks.ledger.front import PostgresFront
from sinks.ledger.reservations import forget_reservations
from tests.builders import NOW
from tests.contract.databases import empty_tables, execute, migrated_database

pytestmark = pytest.mark.real

AGE = b"update fraudstream.reservation set reserved_at = now() - %d * interval '1 day' where transaction_id = 't-%d'"
NAMES = b"select transaction_id from fraudstream.reservation order by 1"
A_WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def database_url() -> str:
    return migrated_database()


@pytest.fixture
def front(database_url: str) -> Iterator[PostgresFront]:
    """Reservations t-0 to t-9, of so many days."""
    empty_tables(database_url)
    with closing(PostgresFront(database_url)) as front:
        front.reserve([a_reservation(days) for days in range(10)])
        for days in range(10):
            execute(database_url, AGE % (days, days))
        yield front


def a_reservation(number: int) -> Reservation:
    return Reservation(f"t-{number}", NOW, b"0123456789abcdef")


def test_the_oldest_are_forgotten_first_and_no_more_than_asked_for(front: PostgresFront, database_url: str) -> None:
    before = datetime.now(UTC) - A_WEEK

    assert forget_reservations(database_url, before, 2) == 2
    assert execute(database_url, NAMES) == [(f"t-{days}",) for days in range(8)]
    assert forget_reservations(database_url, before, 2) == 1
    assert forget_reservations(database_url, before, 2) == 0
    assert execute(database_url, NAMES) == [(f"t-{days}",) for days in range(7)]

    [again] = front.reserve([a_reservation(9)])
    assert again.is_new


def test_those_who_forget_at_once_share_the_work(front: PostgresFront, database_url: str) -> None:
    front.reserve([a_reservation(number) for number in range(10, 2_000)])
    before = datetime.now(UTC) + timedelta(minutes=1)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: forget_reservations(database_url, before, 400), range(4)))

    assert sum(done) + len(execute(database_url, NAMES)) == 2_000
    assert sum(done) >= 400
    assert sum(iter(lambda: forget_reservations(database_url, before, 400), 0)) == 2_000 - sum(done)


def test_a_row_that_another_process_deletes_is_left_to_it(front: PostgresFront, database_url: str) -> None:
    del front
    with psycopg.connect(database_url) as other:
        other.execute("delete from fraudstream.reservation where transaction_id = 't-9'")

        assert forget_reservations(database_url, datetime.now(UTC) - A_WEEK, 10) == 2
        other.rollback()

    assert forget_reservations(database_url, datetime.now(UTC) - A_WEEK, 10) == 1


def test_a_reservation_that_is_deleted_while_another_waits_for_it_is_made_again(
    front: PostgresFront, database_url: str
) -> None:
    with psycopg.connect(database_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("delete from fraudstream.reservation where transaction_id = 't-9'")
        waiting = pool.submit(front.reserve, [a_reservation(9)])
        _wait_for_a_lock(database_url)
        other.commit()

        [answer] = waiting.result()

    assert answer.is_new


def test_a_ledger_that_is_away_is_said_to_be() -> None:
    with pytest.raises(TransientSinkError):
        forget_reservations("postgresql://127.0.0.1:1/nowhere", NOW, 10)


def _wait_for_a_lock(dsn: str) -> None:
    for _ in range(3_000):
        if execute(dsn, b"select 1 from pg_locks where not granted and locktype = 'transactionid'"):
            return
        execute(dsn, b"select pg_sleep(0.01)")
    raise AssertionError("nobody waits")
