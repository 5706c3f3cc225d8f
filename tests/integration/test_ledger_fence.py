"""The fence between two owners of a shard in PostgreSQL: who comes second waits for who came first, and then sees what it did."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from schemas.decision import Decision
from sinks.errors import OvertakenError
from sinks.ledger.commit import write_batch
from sinks.ledger.postgres import PostgresLedger
from sinks.port import Refusal
from tests.contract.databases import execute
from tests.contract.ledger_builders import a_decision, a_refusal

pytestmark = pytest.mark.real

DECISION = a_decision("t-1", offset=1)
REFUSAL = a_refusal(1, arrival_time=DECISION.arrival_time)
WAITING = b"""
select count(*) from pg_stat_activity
where application_name = 'fraudstream-worker' and datname = current_database() and wait_event_type = 'Lock'
"""


@pytest.mark.parametrize(
    ("first", "second"), [(([DECISION], []), ([], [REFUSAL])), (([], [REFUSAL]), ([DECISION], []))], ids=["d-r", "r-d"]
)
def test_the_other_verdict_waits_for_the_one_that_is_being_committed(
    ledger: PostgresLedger,
    database_url: str,
    first: tuple[list[Decision], list[Refusal]],
    second: tuple[list[Decision], list[Refusal]],
) -> None:
    ledger.check()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url, autocommit=True) as zombie:
        with zombie.transaction():
            write_batch(zombie, first[0], [], first[1])
            owner = pool.submit(ledger.commit, second[0], [], second[1])
            while not owner.done() and execute(database_url, WAITING) == [(0,)]:
                time.sleep(0.01)
        with pytest.raises(OvertakenError):
            owner.result()


def test_owners_of_different_shards_do_not_wait_for_each_other(ledger: PostgresLedger, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as other, other.transaction():
        write_batch(other, [DECISION], [], [])
        elsewhere = a_decision("t-2", offset=2, shard_id="shardId-000000000009")

        assert ledger.commit([elsewhere], [], []) == {elsewhere.identity: elsewhere}
