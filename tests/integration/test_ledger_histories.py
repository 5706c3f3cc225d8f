"""Histories in PostgreSQL alone: a broken line, and partitions that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from infra.local.postgres.proxy import PostgresProxy
from schemas.history import MerchantHour, Wanted
from sinks.errors import TransientSinkError
from sinks.ledger.migrations import migrate
from sinks.ledger.partitions import drop_partitions
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.replays import PostgresReplayLedger
from tests.builders import NOW
from tests.contract.databases import empty_tables, migrated_database
from tests.contract.ledger_builders import a_decision

pytestmark = pytest.mark.real

WANTED = Wanted({"user-7": 0}, [MerchantHour("merchant-9", 496_258)])


@pytest.fixture(scope="module")
def database_url() -> str:
    return migrated_database()


@pytest.fixture
def ledger(database_url: str) -> Iterator[PostgresLedger]:
    empty_tables(database_url)
    with closing(PostgresLedger(database_url)) as opened:
        yield opened


def ids_in(ledger: PostgresLedger, wanted: Wanted = WANTED) -> list[str]:
    return [past.transaction_id for past in ledger.look_up([], [], wanted).histories["user-7"]]


def test_a_line_that_was_cut_is_opened_again(ledger: PostgresLedger, database_url: str) -> None:
    ledger.commit([a_decision()], [], [])
    with closing(PostgresProxy(database_url)) as proxy, closing(PostgresLedger(proxy.dsn)) as cut:
        cut.check()
        proxy.cut()

        with pytest.raises(TransientSinkError):
            cut.look_up([], [], WANTED)

        assert ids_in(cut) == ["t-1"]


def test_a_history_survives_the_making_of_a_partition_and_ends_with_its_dropping(
    ledger: PostgresLedger, database_url: str
) -> None:
    far = NOW + timedelta(weeks=10)
    ledger.commit([a_decision("now"), a_decision("far", event_time=far)], [], [])
    assert ids_in(ledger) == ["now", "far"]

    migrate(database_url, far)
    assert ids_in(ledger) == ["now", "far"]

    with psycopg.connect(database_url, autocommit=True) as connection:
        drop_partitions(connection, NOW + timedelta(days=7))
    assert ids_in(ledger) == ["far"]


def test_a_replay_sees_the_same_past(ledger: PostgresLedger, database_url: str) -> None:
    ledger.commit([a_decision()], [], [])
    with closing(PostgresReplayLedger(database_url, dedup_horizon=timedelta(hours=24))) as replays:
        assert replays.look_up([], [], WANTED) == ledger.look_up([], [], WANTED)
