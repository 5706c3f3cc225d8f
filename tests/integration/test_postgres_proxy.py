"""The proxy's faults on real connections: which COMMIT landed, who was struck, and that silence ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from infra.local.postgres.proxy import PostgresProxy
from tests.contract.databases import empty_database, execute

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def dsn() -> str:
    made = empty_database()
    execute(made, b"create table t (n integer)")
    return made


@pytest.fixture
def proxy(dsn: str) -> Iterator[PostgresProxy]:
    execute(dsn, b"truncate t")
    opened = PostgresProxy(dsn)
    yield opened
    opened.close()


def insert(proxy: PostgresProxy, application: str = "one") -> None:
    with psycopg.connect(proxy.dsn, application_name=application) as connection:
        connection.execute("insert into t values (1)")


def rows(dsn: str) -> object:
    return execute(dsn, b"select count(*) from t")[0][0]


def test_a_commit_whose_answer_is_lost_has_landed(proxy: PostgresProxy, dsn: str) -> None:
    proxy.lose_next_answer()
    with pytest.raises(psycopg.OperationalError):
        insert(proxy)
    assert (proxy.answers_lost, rows(dsn)) == (1, 1)
    insert(proxy)
    assert rows(dsn) == 2


def test_a_commit_that_is_cut_has_not_landed(proxy: PostgresProxy, dsn: str) -> None:
    proxy.cut_next_commit()
    with pytest.raises(psycopg.OperationalError):
        insert(proxy)
    assert (proxy.commits_cut, rows(dsn)) == (1, 0)
    insert(proxy)
    assert rows(dsn) == 1


def test_a_trap_waits_for_its_application(proxy: PostgresProxy, dsn: str) -> None:
    proxy.cut_next_commit("other")
    insert(proxy, "one")
    assert (proxy.commits_cut, rows(dsn)) == (0, 1)
    with pytest.raises(psycopg.OperationalError):
        insert(proxy, "other")
    assert (proxy.commits_cut, rows(dsn)) == (1, 1)


def test_silence_holds_everything_back_and_loses_nothing(proxy: PostgresProxy, dsn: str) -> None:
    with psycopg.connect(proxy.dsn, autocommit=True) as connection:
        proxy.fall_silent()
        thread = threading.Thread(target=connection.execute, args=("insert into t values (1)",))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert rows(dsn) == 0
        proxy.resume()
        thread.join(10)
    assert proxy.bytes_held > 0
    assert rows(dsn) == 1


def test_a_server_that_is_away_is_a_refused_connection_and_not_the_end_of_the_proxy(dsn: str) -> None:
    proxy = PostgresProxy(psycopg.conninfo.make_conninfo(dsn, port="1"))
    try:
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError):
                insert(proxy)
    finally:
        proxy.close()
