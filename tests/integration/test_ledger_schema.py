"""The ledger's schema against the one column list, and the version that guards it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal

import pytest

from schemas.decision import Decision
from schemas.lake import LEDGER_COLUMNS
from sinks.errors import SchemaVersionError
from sinks.ledger.migrations import migrate, required_version
from sinks.ledger.outbox import PostgresOutbox
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.reader import LedgerReader
from tests.builders import NOW
from tests.contract.databases import empty_database, empty_tables, execute, migrated_database
from tests.contract.ledger_builders import a_decision, a_refusal, a_risky_decision, an_alert

pytestmark = pytest.mark.real

COLUMNS = b"""
select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute
where attrelid = '%s'::regclass and attnum > 0 and not attisdropped order by attnum
"""
CHECKS = b"""
select pg_get_constraintdef(oid) from pg_constraint where conrelid = '%s'::regclass and contype = 'c' order by 1
"""
INDEXES = b"select indexdef from pg_indexes where schemaname = 'fraudstream' and tablename = '%s'"

HISTORY = "amount, currency, merchant_id, location_country, device_id, location_latitude, location_longitude"


@pytest.fixture(scope="module")
def database_url() -> str:
    return migrated_database()


def test_the_columns_are_those_of_the_one_list(database_url: str) -> None:
    wanted = ", ".join(f"{c.name} {c.ledger}{' not null' if c.required else ''}" for c in LEDGER_COLUMNS)
    execute(database_url, f"create table public.wanted ({wanted})".encode())

    for aspect in (COLUMNS, CHECKS):
        assert execute(database_url, aspect % b"fraudstream.decision") == execute(
            database_url, aspect % b"public.wanted"
        )


def test_a_decision_has_the_columns_of_the_one_list() -> None:
    assert Decision._fields == tuple(column.name for column in LEDGER_COLUMNS)


@pytest.mark.parametrize("partition", [b"decision_default", b"decision_2026w33"])
def test_a_partition_has_each_index_once(database_url: str, partition: bytes) -> None:
    definitions = [str(row[0]).split(" USING ")[1] for row in execute(database_url, INDEXES % partition)]

    assert sorted(definitions) == [
        "brin (event_time) WITH (autosummarize='on')",
        "btree (arrival_time)",
        "btree (event_time) WHERE (risk_level = ANY (ARRAY['high'::text, 'critical'::text]))",
        "btree (transaction_id, event_time)",
        f'btree (user_id, event_time, transaction_id COLLATE "C") INCLUDE ({HISTORY})',
    ]


def test_the_longest_strings_fit_every_index(database_url: str) -> None:
    empty_tables(database_url)
    widest = "".join(chr(0x1F300 + 7 * i % 0x2F0) for i in range(128))  # four bytes each, little to compress
    decision = a_risky_decision(
        widest,
        user_id=widest,
        merchant_id=widest,
        device_id=widest,
        location_country=widest[:64],
        currency=widest[:3],
        amount=Decimal("9999999999999999.99"),
    )

    with closing(PostgresLedger(database_url)) as ledger:
        effective = ledger.commit([decision], [an_alert(decision)], [a_refusal()])

    assert effective == {decision.identity: decision}


def test_migrating_again_changes_nothing(database_url: str) -> None:
    report = migrate(database_url, NOW)

    assert report == ((), required_version(), ())


def test_whoever_migrates_at_the_same_time_waits() -> None:
    dsn = empty_database()

    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda _: migrate(dsn, NOW), range(3)))

    assert sorted(len(report.applied) for report in reports) == [0, 0, required_version()]
    assert sorted(len(report.partitions) for report in reports) == [0, 0, 5]


@pytest.mark.parametrize("connect", [PostgresLedger, PostgresOutbox, LedgerReader])
def test_without_the_schema_the_error_names_the_remedy(
    connect: type[PostgresLedger | PostgresOutbox | LedgerReader],
) -> None:
    user = connect(empty_database())

    with pytest.raises(SchemaVersionError, match="version 0, this release needs 4: run `fraudstream migrate`"):
        _use(user)


def test_an_older_schema_is_refused_and_a_newer_one_is_not() -> None:
    dsn = migrated_database()
    execute(dsn, b"insert into fraudstream.schema_version (version, name) values (999, '0999_future.sql')")
    with closing(PostgresLedger(dsn)) as ledger:
        ledger.check()

        execute(dsn, b"delete from fraudstream.schema_version")

        with pytest.raises(SchemaVersionError):
            ledger.check()


def test_a_database_that_cannot_hold_every_text_is_refused() -> None:
    name = "latin"
    dsn = empty_database()
    execute(dsn, f"create database {name} encoding 'LATIN1' locale 'C' template template0".encode())

    with pytest.raises(SchemaVersionError, match="create it with encoding 'UTF8'"):
        migrate(f"{dsn} dbname={name}", NOW)


def test_a_decision_cannot_be_null_where_the_list_requires_it() -> None:
    required = {column.name for column in LEDGER_COLUMNS if column.required}
    optional = {name for name, value in a_decision()._asdict().items() if value is None}

    assert not required & optional


def _use(user: PostgresLedger | PostgresOutbox | LedgerReader) -> None:
    if isinstance(user, PostgresLedger):
        user.check()
    elif isinstance(user, PostgresOutbox):
        user.pending()
    else:
        user.counts()
