"""What the front door's questions cost: probes of an index for each id, however much the ledger holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from schemas.position import ShardId
from sinks.front import Pending, Reservation
from sinks.ledger.front import PostgresFront, ask_to_reserve, ask_whether_any_refused
from sinks.ledger.look_up import ask_decisions
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.queries import query
from tests.builders import NOW
from tests.contract.databases import execute, migrated_database
from tests.contract.ledger_builders import a_decision, a_position, a_refusal
from tests.integration.explaining import Explaining

pytestmark = pytest.mark.real

ROWS = 20_000
HORIZON = timedelta(hours=24)
DECISIONS = b"""
insert into fraudstream.decision
select (jsonb_populate_record(d, jsonb_build_object(
    'transaction_id', 'copy-' || i, 'sequence_number', i::text, 'event_time', d.event_time - i * interval '1 minute'
))).*
from fraudstream.decision as d, generate_series(1, %d) as i
"""
RESERVATIONS = b"""
insert into fraudstream.reservation
select 'copy-' || i, event_time - i * interval '1 minute', content_hash, now() - i * interval '1 minute'
from (select event_time, content_hash from fraudstream.decision where transaction_id = 't-1') as d,
    generate_series(1, %d) as i
"""
BOTH = b"fraudstream.decision, fraudstream.reservation"


@pytest.fixture(scope="module", params=["no statistics", "statistics of empty tables", "statistics"])
def filled(request: pytest.FixtureRequest) -> str:
    """A database with twenty thousand decisions in several partitions, of which every one was reserved."""
    dsn = migrated_database()
    if request.param == "statistics of empty tables":
        execute(dsn, b"analyze " + BOTH)
    with closing(PostgresLedger(dsn)) as ledger:
        ledger.commit([a_decision()], [], [])
    execute(dsn, DECISIONS % ROWS)
    execute(dsn, RESERVATIONS % ROWS)
    if request.param == "statistics":
        execute(dsn, b"vacuum (analyze) " + BOTH)
    return dsn


@pytest.fixture
def explaining(filled: str) -> Iterator[Any]:
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute(query("session"))
        connection.execute(query("worker_session"))
        yield Explaining(connection, plans_once=True)


class ExplainingEach:
    """Keeps the plan of each statement and its figures."""

    def __init__(self, explaining: Explaining) -> None:
        self._explaining = explaining
        self.kinds: list[set[str]] = []
        self.rows_read: list[float] = []

    def execute(self, statement: bytes, parameters: dict[str, Any], *, binary: bool) -> None:
        self._explaining.execute(statement, parameters, binary=binary)
        self.kinds.append({node["Node Type"] for node in self._explaining.scans()})
        self.rows_read.append(self._explaining.rows_read())


def test_a_reservation_is_a_few_probes(explaining: Explaining) -> None:
    known = [Reservation(f"copy-{i}", NOW - timedelta(minutes=i), b"0123456789abcdef") for i in (11, ROWS // 2)]
    new = [Reservation(f"new-{i}", NOW - timedelta(minutes=i), b"0123456789abcdef") for i in range(98)]
    each: Any = ExplainingEach(explaining)

    ask_to_reserve(each, known + new, HORIZON)

    assert each.kinds[0] == {"ModifyTable", "Index Only Scan"}
    assert each.kinds[1:] == [{"Index Scan"}, {"Index Scan"}]
    assert each.rows_read == pytest.approx([98 + 2, 100, 100 + 2], abs=0.5)  # plans round rows a loop


def test_what_waits_is_settled_by_a_probe_for_each_event(explaining: Explaining) -> None:
    asked = [a_decision(f"copy-{i}", event_time=NOW - timedelta(minutes=i)).identity for i in range(5, 500, 5)]
    each: Any = ExplainingEach(explaining)

    ask_decisions(each, asked, timedelta())

    assert each.kinds == [{"Index Scan"}]
    assert each.rows_read == [len(asked)]


def test_whether_anything_was_refused_is_one_probe_a_shard(explaining: Explaining, filled: str) -> None:
    with closing(PostgresLedger(filled)) as ledger:
        ledger.commit([], [], [a_refusal(n) for n in range(100_000, 100_300)])
    each: Any = ExplainingEach(explaining)
    places = [a_position(n, shard_id=ShardId(f"shardId-{n % 4:012}")) for n in range(99_000, 101_000)]

    ask_whether_any_refused(each, places)

    assert each.kinds == [{"Index Only Scan"}]
    assert each.rows_read == [1]


def test_a_step_of_retention_reads_what_it_deletes_and_no_more(explaining: Explaining) -> None:
    each = ExplainingEach(explaining)
    before = datetime.now(UTC) - timedelta(days=10)  # about a quarter is older

    each.execute(query("forget_reservations"), {"before": before, "limit": 100}, binary=False)

    assert each.kinds[0] == {"ModifyTable", "Tid Scan", "Index Scan"}
    assert each.rows_read == [100 + 100]


def test_a_thousand_that_wait_are_asked_for_at_once(filled: str) -> None:
    decided = [a_decision(f"copy-{i}", event_time=NOW - timedelta(minutes=i)) for i in range(1, 1_001)]
    waiting = [a_decision(f"new-{i}") for i in range(1_000)]

    with closing(PostgresFront(filled)) as front:
        settled = front.settled([Pending(each.identity, a_position(1)) for each in decided + waiting])

    assert settled.keys() == {each.identity for each in decided}
