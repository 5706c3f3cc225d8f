"""What a look-up costs: probes of an index for each position, user and merchant, however much lies between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from schemas.decision import Identity
from schemas.history import MerchantHour
from sinks.ledger.histories import ask_histories
from sinks.ledger.look_up import ask_decisions, ask_decisions_at, ask_whether_refused
from sinks.ledger.merchants import ask_windows
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.queries import query
from tests.builders import NOW
from tests.contract.databases import execute, migrated_database
from tests.contract.ledger_builders import a_decision, a_delivery, a_position
from tests.integration.explaining import Explaining

pytestmark = pytest.mark.real

ROWS = 20_000
ALL = b"fraudstream.decision, fraudstream.merchant_hour, fraudstream.merchant_fraud"
DECISIONS = b"""
insert into fraudstream.decision
select (jsonb_populate_record(d, jsonb_build_object(
    'transaction_id', 'copy-' || i, 'sequence_number', i::text, 'user_id', 'user-' || i %% 100,
    'arrival_time', d.arrival_time - i / 10 * interval '1 second', 'event_time', d.event_time - i * interval '1 minute'
))).*
from fraudstream.decision as d, generate_series(1, %d) as i
"""
MERCHANT_HOURS = b"""
insert into fraudstream.%s
select 'merchant-' || m, 496000 + h, %s from generate_series(1, 30) as m, generate_series(-900, 100) as h
"""
HOUR = 496_000
ROWS_OF_A_DAY = 740
"""Of the users 0 to 49, in its 1,439 minutes and at `NOW`."""
SINCE_MS = 1_786_530_600_000 - 86_400_000
"""A day before `NOW`, a Wednesday: the week before does not matter."""


@pytest.fixture(scope="module", params=["no statistics", "statistics of empty tables", "statistics"])
def filled(request: pytest.FixtureRequest) -> str:
    """A database with twenty thousand decisions of a hundred users, in several partitions, ten of each arrival time."""
    dsn = migrated_database()
    if request.param == "statistics of empty tables":
        execute(dsn, b"analyze " + ALL)
    with closing(PostgresLedger(dsn)) as ledger:
        ledger.commit([a_decision()], [], [])
    execute(dsn, DECISIONS % ROWS)
    execute(dsn, MERCHANT_HOURS % (b"merchant_hour", b"2"))
    execute(dsn, MERCHANT_HOURS % (b"merchant_fraud", b"496000 + h, 1"))
    if request.param == "statistics":
        execute(dsn, b"vacuum (analyze) " + ALL)
    return dsn


@pytest.fixture(params=["planned once", "planned for what is asked"])
def explaining(request: pytest.FixtureRequest, filled: str) -> Iterator[Any]:
    """A session like a worker's, or a replay's, which prepares nothing."""
    plans_once = request.param == "planned once"
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute(query("session"))
        if plans_once:
            connection.execute(query("worker_session"))
        yield Explaining(connection, plans_once=plans_once)


def test_far_apart_positions_are_probed_and_what_lies_between_is_not_read(explaining: Any) -> None:
    asked = [a_delivery(a_position(sequence_number=n), NOW - timedelta(seconds=n // 10)) for n in (11, ROWS - 5)]

    ask_decisions_at(explaining, asked)

    assert explaining.plan["Actual Rows"] == len(asked)
    assert {node["Node Type"] for node in explaining.scans()} <= {"Index Scan", "Bitmap Heap Scan"}
    assert explaining.rows_read() <= 10 * len(asked)


def test_transactions_are_probed_each_by_the_primary_key(explaining: Any) -> None:
    asked = [Identity(f"copy-{i}", NOW - timedelta(minutes=i)) for i in (11, ROWS - 5)]

    ask_decisions(explaining, asked, timedelta(hours=24))

    assert explaining.rows_read() == explaining.plan["Actual Rows"] == len(asked)
    assert {node["Node Type"] for node in explaining.scans()} == {"Index Scan"}


def test_whether_a_batch_holds_a_refused_record_is_one_probe(explaining: Any) -> None:
    ask_whether_refused(explaining, [a_position(number) for number in range(500)])

    assert [node["Node Type"] for node in explaining.scans()] == ["Index Only Scan"]


def test_histories_are_read_from_one_index_alone_in_its_order_and_in_weeks_that_matter(explaining: Any) -> None:
    ask_histories(explaining, {f"user-{number}": SINCE_MS for number in range(50)})

    assert {node["Node Type"] for node in explaining.scans()} == {"Index Only Scan"}
    assert explaining.rows_read() == explaining.plan["Actual Rows"] == ROWS_OF_A_DAY
    planned = {node.get("Relation Name") for node in explaining.nodes()}
    assert "decision_2026w33" in planned
    assert "decision_2026w32" not in planned, "not even to be left out while it runs"
    [merge] = [node for node in explaining.nodes() if node["Node Type"] == "Merge Append"]
    assert merge["Sort Key"] == ["d.event_time DESC", 'd.transaction_id COLLATE "C" DESC']


def test_of_a_merchant_at_most_the_hours_of_its_longest_window_are_read(explaining: Any) -> None:
    ask_windows(explaining, [MerchantHour(f"merchant-{number}", HOUR) for number in range(1, 6)])

    assert explaining.plan["Actual Rows"] == 5
    assert {node["Relation Name"] for node in explaining.scans()} == {"merchant_hour", "merchant_fraud"}
    assert {node["Node Type"] for node in explaining.scans()} <= {"Index Scan", "Bitmap Heap Scan"}
    assert explaining.rows_read() == 2 * 5 * 720
