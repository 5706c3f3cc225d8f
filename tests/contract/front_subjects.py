"""What the contract suites of the front door try, in memory and in PostgreSQL: each factory as another process would call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from infra.local.postgres.proxy import PostgresProxy
from sinks.front import ApiKeys, FrontLedger
from sinks.ledger.api_keys import PostgresApiKeys
from sinks.ledger.front import PostgresFront
from sinks.ledger.memory import MemoryLedger, MemoryStore
from sinks.ledger.memory_api_keys import MemoryApiKeys
from sinks.ledger.memory_front import MemoryFront
from sinks.ledger.postgres import PostgresLedger
from sinks.port import Ledger
from tests.contract.databases import empty_tables, migrated_database


class FragileFront(NamedTuple):
    """A front whose next reservations land while their answer is lost, once `lose_next_answer` is called."""

    front: FrontLedger
    lose_next_answer: Callable[[], None]


class FrontSubject(NamedTuple):
    """An empty store."""

    new_ledger: Callable[[], Ledger]
    new_front: Callable[[], FrontLedger]
    new_fragile_front: Callable[[], FragileFront]
    new_keys: Callable[[], ApiKeys]


@contextmanager
def memory_subject() -> Iterator[FrontSubject]:
    store = MemoryStore()

    def new_fragile_front() -> FragileFront:
        front = MemoryFront(store)
        return FragileFront(front, front.lose_next_answer)

    yield FrontSubject(
        lambda: MemoryLedger(store), lambda: MemoryFront(store), new_fragile_front, lambda: MemoryApiKeys(store)
    )


@cache
def _database() -> str:
    return migrated_database()


@contextmanager
def postgres_subject() -> Iterator[FrontSubject]:
    dsn = _database()
    empty_tables(dsn)
    opened: list[Any] = []

    def kept(each: Any) -> Any:
        opened.append(each)
        return each

    def new_fragile_front() -> FragileFront:
        proxy = kept(PostgresProxy(dsn))
        return FragileFront(kept(PostgresFront(proxy.dsn)), proxy.lose_next_answer)

    try:
        yield FrontSubject(
            lambda: kept(PostgresLedger(dsn)),
            lambda: kept(PostgresFront(dsn)),
            new_fragile_front,
            lambda: kept(PostgresApiKeys(dsn)),
        )
    finally:
        for each in reversed(opened):
            each.close()


SUBJECTS = {"memory": memory_subject, "postgres": postgres_subject}
