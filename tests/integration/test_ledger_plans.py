"""What the look-up by position costs: a probe of an index for each position, however much arrived between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from sinks.ledger import look_up
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.queries import query
from sinks.port import Delivery
from tests.builders import NOW
from tests.contract.databases import execute, migrated_database
from tests.contract.ledger_builders import a_decision, a_delivery, a_position

pytestmark = pytest.mark.real

ROWS = 20_000
COPIES = b"""
insert into fraudstream.decision
select (jsonb_populate_record(d, jsonb_build_object(
    'transaction_id', 'copy-' || i, 'sequence_number', i::text,
    'arrival_time', d.arrival_time - i / 10 * interval '1 second', 'event_time', d.event_time - i * interval '1 minute'
))).*
from fraudstream.decision as d, generate_series(1, %d) as i
"""


@pytest.fixture(scope="module")
def crowded_database() -> str:
    """Twenty thousand decisions over half an hour of arrivals, ten of each arrival time, in several partitions."""
    dsn = migrated_database()
    with closing(PostgresLedger(dsn)) as ledger:
        ledger.commit([a_decision()], [], [])
    execute(dsn, COPIES % ROWS)
    return dsn


@pytest.mark.parametrize("has_statistics", [False, True])
def test_far_apart_positions_are_probed_and_what_lies_between_is_not_read(
    crowded_database: str, has_statistics: bool
) -> None:
    asked = [a_delivery(a_position(sequence_number=n), NOW - timedelta(seconds=n // 10)) for n in (11, ROWS - 5)]
    with psycopg.connect(crowded_database, autocommit=True) as connection:
        if has_statistics:
            connection.execute("analyze fraudstream.decision")
        connection.execute(query("session"))
        plan = _executed_plan(connection, asked)

    scans = [node for node in _nodes(plan) if "Relation Name" in node]
    print(f"{plan['Actual Total Time']} ms for {plan['Actual Rows']} of {ROWS} rows")
    assert plan["Actual Rows"] == len(asked)
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Bitmap Heap Scan"}
    assert sum(map(_rows_read, scans)) <= 10 * len(asked)


def _executed_plan(connection: psycopg.Connection[Any], asked: list[Delivery]) -> dict[str, Any]:
    parameters = look_up._position_arrays([delivery.position for delivery in asked])
    arrivals = {"arrival_times": [delivery.arrival_time for delivery in asked]}
    explained = connection.execute(
        b"explain (analyze, format json) " + query("decisions_by_position"), parameters | arrivals
    ).fetchone()
    assert explained is not None
    plan: dict[str, Any] = explained[0][0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _rows_read(node: dict[str, Any]) -> float:
    """Rows that a scan touched over all its loops: the plan counts them a loop."""
    return float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
