"""What the contract suites try: the ledger in memory and in PostgreSQL, with several handles on one store and a broken line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple, TypeVar

import psycopg
import pytest

from infra.local.postgres.proxy import PostgresProxy
from sinks.ledger.memory import MemoryLedger, MemoryStore
from sinks.ledger.memory_outbox import MemoryOutbox
from sinks.ledger.outbox import OutboxTerms, PostgresOutbox
from sinks.ledger.postgres import PostgresLedger
from sinks.port import Ledger, Outbox
from tests.contract.databases import empty_tables, migrated_database

_Closable = TypeVar("_Closable", PostgresLedger, PostgresOutbox, PostgresProxy)

_ADD_HOUR = b"insert into fraudstream.merchant_hour (merchant_id, hour, count) values (%s, %s, %s)"
_ADD_FRAUDS = b"insert into fraudstream.merchant_fraud (merchant_id, hour, known_hour, frauds) values (%s, %s, %s, %s)"


class FragileLedger(NamedTuple):
    """A ledger whose next COMMIT lands while its answer is lost, once `lose_next_answer` is called."""

    ledger: Ledger
    lose_next_answer: Callable[[], None]


class MerchantRows(NamedTuple):
    """What housekeeping rolled up: a merchant and hour for each transaction, and with the hour it was known in for each fraud."""

    transactions: Sequence[tuple[str, int]] = ()
    frauds: Sequence[tuple[str, int, int]] = ()


class LedgerSubject(NamedTuple):
    """An empty store: each call of a factory makes a handle as another process would have."""

    new_ledger: Callable[[], Ledger]
    new_fragile_ledger: Callable[[], FragileLedger]
    new_outbox: Callable[[OutboxTerms], Outbox]
    roll_up: Callable[[MerchantRows], None]

    def alert_ids(self) -> set[str]:
        """Return the ids of all alerts that wait; claims them for good."""
        terms = OutboxTerms(max_age=None)
        return {str(alert.alert_id) for alert in self.new_outbox(terms).claim(10_000)}


@contextmanager
def memory_subject() -> Iterator[LedgerSubject]:
    store = MemoryStore()

    def new_fragile_ledger() -> FragileLedger:
        ledger = MemoryLedger(store)
        return FragileLedger(ledger, ledger.lose_next_answer)

    def new_outbox(terms: OutboxTerms) -> MemoryOutbox:
        return MemoryOutbox(store, lambda: datetime.now(UTC), terms)

    def roll_up(rows: MerchantRows) -> None:
        for transaction in rows.transactions:
            store.merchants.add(*transaction)
        for fraud in rows.frauds:
            store.merchants.add_fraud(*fraud)

    yield LedgerSubject(lambda: MemoryLedger(store), new_fragile_ledger, new_outbox, roll_up)


@cache
def _database() -> str:
    return migrated_database()


@contextmanager
def postgres_subject() -> Iterator[LedgerSubject]:
    dsn = _database()
    empty_tables(dsn)
    opened: list[PostgresLedger | PostgresOutbox | PostgresProxy] = []

    def keep(each: _Closable) -> _Closable:
        opened.append(each)
        return each

    def new_fragile_ledger() -> FragileLedger:
        proxy = keep(PostgresProxy(dsn))
        return FragileLedger(keep(PostgresLedger(proxy.dsn)), proxy.lose_next_answer)

    def new_outbox(terms: OutboxTerms) -> PostgresOutbox:
        return keep(PostgresOutbox(dsn, terms))

    def roll_up(rows: MerchantRows) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.executemany(_ADD_HOUR, [(*key, count) for key, count in Counter(rows.transactions).items()])
            cursor.executemany(_ADD_FRAUDS, [(*key, count) for key, count in Counter(rows.frauds).items()])

    try:
        yield LedgerSubject(lambda: keep(PostgresLedger(dsn)), new_fragile_ledger, new_outbox, roll_up)
    finally:
        for each in reversed(opened):
            each.close()


SUBJECTS = {"memory": memory_subject, "postgres": postgres_subject}
SUBJECT_NAMES = ("memory", pytest.param("postgres", marks=pytest.mark.real))
"""What a contract suite's fixture is parametrised by."""
