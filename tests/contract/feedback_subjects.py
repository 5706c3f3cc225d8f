"""What the contract suite of labels and the roll-up tries, in memory and in PostgreSQL: each factory as another process would call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, NamedTuple

from schemas.history import MerchantHour, MerchantWindows, Wanted
from sinks.feedback import Labels, MerchantRollUp
from sinks.ledger.labels import PostgresLabels
from sinks.ledger.memory import MemoryLedger, MemoryStore
from sinks.ledger.memory_feedback import MemoryLabels, MemoryRollUp
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.roll_up import PostgresRollUp
from sinks.port import Ledger
from tests.contract.databases import empty_tables, execute, migrated_database


class FeedbackSubject(NamedTuple):
    """An empty store."""

    new_ledger: Callable[[], Ledger]
    new_labels: Callable[[], Labels]
    new_roll_up: Callable[[], MerchantRollUp]
    set_hours_until: Callable[[int], object]

    def roll_up(self, now: datetime) -> int:
        """Do all that is due; return how many steps that took."""
        roll_up = self.new_roll_up()
        return sum(1 for _ in iter(lambda: roll_up.take_step(now), False))

    def windows(self, hour: int, merchant_id: str = "m-1") -> MerchantWindows:
        """Return what an event of that hour sees of the merchant."""
        asked = MerchantHour(merchant_id, hour)
        return self.new_ledger().look_up([], [], Wanted({}, [asked])).merchants[asked]


@contextmanager
def memory_subject() -> Iterator[FeedbackSubject]:
    store = MemoryStore()
    yield FeedbackSubject(
        lambda: MemoryLedger(store),
        lambda: MemoryLabels(store, lambda: datetime.now(UTC)),
        lambda: MemoryRollUp(store),
        partial(setattr, store, "hours_until"),
    )


@cache
def _database() -> str:
    return migrated_database()


@contextmanager
def postgres_subject() -> Iterator[FeedbackSubject]:
    dsn = _database()
    empty_tables(dsn)
    opened: list[Any] = []

    def kept(each: Any) -> Any:
        opened.append(each)
        return each

    try:
        yield FeedbackSubject(
            lambda: kept(PostgresLedger(dsn)),
            lambda: kept(PostgresLabels(dsn)),
            lambda: kept(PostgresRollUp(dsn)),
            lambda hour: execute(dsn, b"update fraudstream.roll_up set hours_until = %d" % hour),
        )
    finally:
        for each in opened:
            each.close()


SUBJECTS = {"memory": memory_subject, "postgres": postgres_subject}
