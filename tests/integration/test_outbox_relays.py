"""Several relays on one outbox in PostgreSQL: one decides at a time, and none waits for what another holds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import psycopg
import pytest

from sinks.ledger.outbox import OutboxTerms, PostgresOutbox
from sinks.ledger.postgres import PostgresLedger
from tests.contract.databases import execute
from tests.contract.ledger_builders import a_risky_decision, an_alert

pytestmark = pytest.mark.real

WAITING = b"""
select count(*) from pg_stat_activity
where application_name = 'fraudstream-relay' and datname = current_database() and wait_event = 'advisory'
"""


@pytest.fixture
def outbox(database_url: str) -> Iterator[PostgresOutbox]:
    with closing(PostgresOutbox(database_url, OutboxTerms(max_age=None))) as opened:
        yield opened


def two_alerts(ledger: PostgresLedger) -> list[UUID]:
    decisions = [a_risky_decision(name, offset=offset) for offset, name in enumerate(("t-1", "t-2"))]
    alerts = [an_alert(decision) for decision in decisions]
    ledger.commit(decisions, alerts, [])
    return [alert.alert_id for alert in alerts]


def test_one_relay_at_a_time_decides_what_is_told(
    ledger: PostgresLedger, outbox: PostgresOutbox, database_url: str
) -> None:
    two_alerts(ledger)
    outbox.pending()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url, autocommit=True) as other:
        with other.transaction():
            other.execute("select pg_advisory_xact_lock(hashtextextended('fraudstream.claim', 0))")
            claim = pool.submit(outbox.claim, 10)
            while not claim.done() and execute(database_url, WAITING) == [(0,)]:
                time.sleep(0.01)
            assert not claim.done()
        assert len(claim.result()) == 2


def test_an_alert_that_another_holds_is_passed_over(
    ledger: PostgresLedger, outbox: PostgresOutbox, database_url: str
) -> None:
    held, free = two_alerts(ledger)
    with psycopg.connect(database_url) as other:
        other.execute("select from fraudstream.alert_outbox where alert_id = %s for update", [held])

        assert [alert.alert_id for alert in outbox.claim(10)] == [free]
