"""What goes wrong between a worker and its database, and whose fault the ledger says it is."""

from __future__ import annotations

import os
import select
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infra.local.postgres.proxy import PostgresProxy
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.ledger.connection import Session
from sinks.ledger.postgres import PostgresLedger
from tests.contract.databases import execute
from tests.contract.ledger_builders import a_candidate, a_decision, a_delivery, a_position, a_refusal

pytestmark = pytest.mark.real

TERMINATE = b"""
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'fraudstream-worker' and datname = current_database()
"""


def count(dsn: str) -> object:
    return execute(dsn, b"select count(*) from fraudstream.decision")[0][0]


def test_a_session_that_was_ended_is_opened_again(ledger: PostgresLedger, database_url: str) -> None:
    ledger.check()
    execute(database_url, TERMINATE)

    with pytest.raises(TransientSinkError):
        ledger.commit([a_decision()], [], [])

    assert count(database_url) == 0
    assert ledger.commit([a_decision()], [], []) == {a_decision().identity: a_decision()}


def test_a_line_that_was_cut_is_opened_again(database_url: str) -> None:
    proxy = PostgresProxy(database_url)
    ledger = PostgresLedger(proxy.dsn)
    ledger.check()
    proxy.cut()

    with pytest.raises(TransientSinkError):
        ledger.look_up([a_candidate(a_decision())], [a_delivery(a_position())])

    assert ledger.look_up([a_candidate(a_decision())], []).decisions == ()
    ledger.close()
    proxy.close()


def test_the_answer_to_a_commit_can_be_lost_while_the_commit_lands(database_url: str) -> None:
    proxy = PostgresProxy(database_url)
    ledger = PostgresLedger(proxy.dsn)
    ledger.commit([a_decision("t-0")], [], [])
    proxy.lose_next_answer()

    with pytest.raises(TransientSinkError):
        ledger.commit([a_decision()], [], [])

    assert (proxy.answers_lost, count(database_url)) == (1, 2)
    ledger.close()
    proxy.close()


def test_a_database_that_cannot_be_reached_is_infrastructure(database_url: str) -> None:
    with pytest.raises(TransientSinkError):
        PostgresLedger(make_conninfo(database_url, port=1)).check()


def test_an_address_that_cannot_be_read_is_our_fault() -> None:
    with pytest.raises(PermanentSinkError):
        PostgresLedger("postgresql://[no-end").check()


def test_credentials_are_fetched_for_every_connection(database_url: str) -> None:
    passwords = iter(["stale", None])

    def dsn() -> str:
        password = next(passwords)
        return make_conninfo(database_url, password=password) if password else database_url

    ledger = PostgresLedger(dsn)
    with pytest.raises(TransientSinkError):
        ledger.check()

    ledger.check()
    ledger.close()


def test_a_lock_that_is_held_too_long_is_infrastructure(ledger: PostgresLedger, database_url: str) -> None:
    with psycopg.connect(database_url) as other, ledger._session.use() as connection:
        other.execute("lock table fraudstream.decision in access exclusive mode")
        connection.execute("set lock_timeout = '20ms'")
        with pytest.raises(TransientSinkError):
            ledger.commit([a_decision()], [], [])

    assert ledger.commit([a_decision()], [], []) == {a_decision().identity: a_decision()}


def test_a_process_that_was_stopped_inside_a_transaction_starts_again(ledger: PostgresLedger) -> None:
    ledger.check()

    with pytest.raises(TransientSinkError) as ended:
        _stop_inside_a_transaction(ledger)

    assert ended.value.facts["sqlstate"] == "25P03"
    ledger.check()


def test_the_session_has_the_settings_of_the_design(ledger: PostgresLedger) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone")
    with ledger._session.use() as connection:
        shown = [connection.execute(f"show {name}".encode()).fetchone() for name in names]
        conninfo = connection.info.get_parameters()

    assert shown == [("30s",), ("10s",), ("10s",), ("UTC",)]
    expected = {
        "connect_timeout": "5",
        "keepalives": "1",
        "keepalives_idle": "10",
        "tcp_user_timeout": "15000",
        "target_session_attrs": "read-write",
        "application_name": "fraudstream-worker",
    }
    assert {name: conninfo.get(name) for name in expected} == expected


def test_a_role_with_another_isolation_level_reads_effective_rows_all_the_same(
    ledger: PostgresLedger, database_url: str
) -> None:
    execute(database_url, b"alter role current_user set default_transaction_isolation = 'serializable'")
    try:
        with ledger._session.use() as connection:
            assert connection.execute("show transaction_isolation").fetchone() == ("read committed",)
    finally:
        execute(database_url, b"alter role current_user reset default_transaction_isolation")


def test_the_driver_starts_no_thread(ledger: PostgresLedger) -> None:
    before = _threads()

    ledger.commit([a_decision()], [], [a_refusal(1)])
    ledger.look_up([a_candidate(a_decision())], [])

    assert _threads() <= before


def test_closing_what_was_never_opened_is_nothing(database_url: str) -> None:
    Session(database_url, "unused", lambda _: None).close()


def _threads() -> set[str]:
    return set(os.listdir(Path("/proc/self/task")))  # noqa: PTH208 - the names are all we want


def _stop_inside_a_transaction(ledger: PostgresLedger) -> None:
    """Do nothing, until the server has lost patience and says farewell."""
    with ledger._session.use() as connection, connection.transaction():
        connection.execute("set idle_in_transaction_session_timeout = '1ms'")
        select.select([connection.fileno()], [], [], 10)
        connection.execute("select 1", prepare=False)  # to prepare it first would hide the farewell
