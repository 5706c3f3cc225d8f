"""A ledger in a database of the test module's own, empty at the start of each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.reader import LedgerReader
from tests.contract.databases import empty_tables, migrated_database


@pytest.fixture(scope="module")
def shared_database() -> str:
    """One database a test module."""
    return migrated_database()


@pytest.fixture
def database_url(shared_database: str) -> str:
    """The module's database, emptied."""
    empty_tables(shared_database)
    return shared_database


@pytest.fixture
def ledger(database_url: str) -> Iterator[PostgresLedger]:
    """The ledger in it."""
    opened = PostgresLedger(database_url)
    yield opened
    opened.close()


@pytest.fixture
def reader(database_url: str) -> Iterator[LedgerReader]:
    """What operators read of it."""
    opened = LedgerReader(database_url)
    yield opened
    opened.close()
