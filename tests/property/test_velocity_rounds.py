"""Vectors where a batch is not decided at once, and of users with more rows than are looked at: small cases, judged by the oracle."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Any

import numpy as np
import pytest

from consumer.scoring.features import EVENT, VELOCITY, Memory, MemoryTerms
from consumer.scoring.features.past import NoPast
from schemas.decision import Identity
from schemas.decode import Unknown, decode
from schemas.position import StreamPosition, StreamRecord
from tests.oracle import plain
from tests.oracle.ledger_rows import MINUTE_MS, NAMES, NEWEST, LedgerRow, differences, ledger_rows, milliseconds
from tests.pipeline_builders import EPOCH, NOW, SHARD, World, an_event
from tests.property.velocity_run import stored_vectors, velocity_scorer

_FROM_ANOTHER_KEY = pytest.mark.parametrize(
    ("key", "most"), [("u-2", 250_000), ("another", 250_000), ("u-2", 0)], ids=["remembered", "passing", "forgotten"]
)


def a_record(number: int, transaction_id: str, *, key: str | None = None, **changes: Any) -> StreamRecord:
    user_id = str(changes.get("user_id", "u-1"))
    data = an_event(transaction_id, **({"merchant_id": "m-1", "timestamp": "2026-03-01T11:59:00Z"} | changes))
    return StreamRecord(data, key or user_id, StreamPosition(EPOCH, SHARD, number), NOW)


def process(*batches: list[StreamRecord], most: int = 250_000, refused_id: str = "") -> World:
    """Have batches decided by one worker."""
    world = World()
    world.ledger.refuse_transaction(refused_id)
    worker = world.worker(scorer=velocity_scorer(), memory_terms=MemoryTerms(most, most))
    for batch in batches:
        world.process(worker, batch)
    return world


def require_equal(world: World) -> None:
    """All rows have the oracle's vectors, in the order of the stream."""
    decisions = sorted(world.store.decisions.values(), key=lambda row: row.position)
    rows = ledger_rows(decisions)
    assert [*differences(plain.vectors(rows), stored_vectors(decisions), rows)] == []


@_FROM_ANOTHER_KEY
def test_events_behind_one_that_the_ledger_refuses_are_decided_and_do_not_see_it(key: str, most: int) -> None:
    good = [a_record(n, f"t-{n}", user_id=f"u-{1 + n % 2}", key=key if n % 2 else None) for n in range(2, 8)]
    world = process([a_record(1, "bad"), *good], most=most, refused_id="bad")

    assert world.refusals() == {1: "refused_by_ledger"}
    require_equal(world)


def test_an_event_with_an_id_that_comes_again_is_decided_before_those_behind_it() -> None:
    again = a_record(2, "t-1", timestamp="2026-02-27T12:00:00Z")
    world = process([a_record(1, "t-1"), again, a_record(3, "t-3"), a_record(4, "t-4", user_id="u-2")])

    assert len(world.store.decisions) == 4
    require_equal(world)


def test_a_repetition_and_a_conflict_are_no_past() -> None:
    repeated, conflicting = a_record(2, "t-1"), a_record(3, "t-1", amount=77)
    world = process([a_record(1, "t-1"), repeated, conflicting, a_record(4, "t-4")], [a_record(5, "t-5"), repeated])

    assert len(world.store.decisions) == 3
    require_equal(world)


def test_a_late_event_is_counted_and_sees_what_was_before_it() -> None:
    times = ["2026-03-01T11:00:00Z", "2026-02-22T12:00:01Z", "2026-03-01T10:55:00.001Z", "2026-03-01T11:00:00Z"]
    require_equal(process(*[[a_record(n, f"t-{n}", timestamp=time)] for n, time in enumerate(times)]))


def test_of_a_user_with_thousands_of_rows_only_the_newest_are_looked_at() -> None:
    chance = Random(5)
    times = [n * 5 * MINUTE_MS for n in range(2_300)]
    moved = [ms - chance.choice((0, 0, 0, 1, 5 * MINUTE_MS, 7 * 24 * 60 * MINUTE_MS)) for ms in times]
    transactions = [decode(_event(n, ms), Unknown()) for n, ms in enumerate(moved)]
    memory, found = Memory(past=NoPast()), []
    waiting = iter(transactions)
    while batch := list(islice(waiting, chance.randrange(1, 200))):
        found.append(VELOCITY.compute(batch, memory)[:, len(EVENT.names) :])
        memory.settle({Identity(each.transaction_id, each.event_time): each for each in batch})
        memory.make_room()

    rows = [LedgerRow(t.transaction_id, milliseconds(t.event_time), t.user_id, float(t.amount)) for t in transactions]
    expected = plain.vectors(rows)
    assert [*differences(expected, np.concatenate(found), rows)] == []
    assert expected[:, NAMES.index("user_count_30d")].max() == NEWEST + 1


def _event(number: int, after_ms: int) -> bytes:
    seconds, milli = divmod(after_ms + 8 * 24 * 60 * MINUTE_MS, 1_000)
    days, second = divmod(seconds, 86_400)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{milli:03}"
    return an_event(f"t-{number}", timestamp=f"2026-03-{days + 1:02}T{clock}Z", amount=number % 97)
