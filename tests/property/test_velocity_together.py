"""Many events at once get the bits of one event at a time, whose code is the definition: late, tied, sent again and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from consumer.scoring.features import VELOCITY, Matrix, Memory, MemoryTerms
from consumer.scoring.features.columns import FEW, Columns
from consumer.scoring.features.past import NoPast
from schemas.decision import Identity
from schemas.history import NEWEST
from schemas.transaction import Transaction
from tests.scoring_builders import a_transaction

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STEPS = (
    *[MINUTE] * 40,
    timedelta(0),
    timedelta(milliseconds=1),
    *[10 * MINUTE] * 3,
    60 * MINUTE,
    DAY,
    7 * DAY,
    30 * DAY,
)
LATE = (*[timedelta(0)] * 200, MINUTE, DAY, 30 * DAY)
AMOUNTS = ("0", "0.00", "1", "5.25", "80", "80", "300.5", "100000", "5000000", "9999999999999999.99")
NAMES = (None, "", "a", "b", "c")
PLACES = (None, 0.0, 50.1, -77.25)
AGAIN = 100
A_TRANSACTION = a_transaction()

numbers = st.integers(0, 2**60 - 1)
batches = st.lists(st.tuples(st.lists(numbers, min_size=FEW, max_size=FEW + 40), numbers), min_size=1, max_size=3)
few_users = st.sampled_from([3, 40])


class Choices:
    """Reads choices from the digits of a number, so that a failing example shrinks to small ones."""

    def __init__(self, number: int) -> None:
        self._number = number

    def of(self, values: Sequence[Any]) -> Any:
        self._number, digit = divmod(self._number, len(values))
        return values[digit]


class Stream:
    """Makes events of a few users, mostly later than the one before."""

    def __init__(self, users: int) -> None:
        self._users, self._now, self._ids = [f"u-{n}" for n in range(users)], START, count()
        self._made: list[Transaction] = []

    def event(self, number: int) -> Transaction:
        chosen = Choices(number)
        if self._made and chosen.of(range(AGAIN)) == 1:
            again: Transaction = chosen.of(self._made)
            return again
        self._now += chosen.of(STEPS)
        made = A_TRANSACTION._replace(
            transaction_id=f"{chosen.of('ab')}-{next(self._ids)}",
            user_id=chosen.of(self._users),
            event_time=self._now - chosen.of(LATE),
            amount=Decimal(chosen.of(AMOUNTS)),
            merchant_id=chosen.of(NAMES),
            device_id=chosen.of(NAMES),
            location_country=chosen.of(NAMES),
            location_latitude=chosen.of(PLACES),
            location_longitude=chosen.of(PLACES),
        )
        self._made.append(made)
        return made


def finish(memory: Memory, batch: Sequence[Transaction], number: int) -> None:
    """Settle most of the batch, or all of it, or nothing, or take it back; some rows are another's, with another amount."""
    chosen = Choices(number)
    how = chosen.of(("all", "some", "others", "undo"))
    if how == "undo":
        memory.undo()
        return
    taken = {Identity(t.transaction_id, t.event_time): t for t in batch}
    for identity in [*taken][:: 3 if how != "all" else 10**6][how == "all" :]:
        other = taken.pop(identity)
        if how == "others":
            taken[identity] = other._replace(amount=Decimal(7), content_hash=b"other")
    memory.settle(taken)
    memory.make_room()


def alone(batch: Sequence[Transaction], memory: Memory) -> Matrix:
    return np.concatenate([VELOCITY.compute([transaction], memory) for transaction in batch])


@settings(deadline=None, max_examples=60, phases=[Phase.explicit, Phase.generate])  # no batch of few events ever fails
@given(few_users, batches)
def test_a_vector_is_the_same_bits_alone_and_among_many(users: int, drawn: list[tuple[list[int], int]]) -> None:
    stream, one_by_one, at_once = Stream(users), Memory(past=NoPast()), Memory(past=NoPast())
    for events, end in drawn:
        batch = [stream.event(number) for number in events]
        expected = alone(batch, one_by_one)
        np.testing.assert_array_equal(VELOCITY.compute(batch, at_once).view(np.uint32), expected.view(np.uint32))
        for memory in (one_by_one, at_once):
            finish(memory, batch, end)


@pytest.mark.parametrize("step", [MINUTE, 13 * 60 * MINUTE], ids=["all in a window", "windows move"])
def test_of_thousands_of_rows_the_same_newest_are_looked_at(step: timedelta) -> None:
    terms = MemoryTerms(forgets_old=False)
    one_by_one, at_once = Memory(terms, past=NoPast()), Memory(terms, past=NoPast())
    past = [A_TRANSACTION._replace(event_time=START + n * step, transaction_id=f"p-{n}") for n in range(NEWEST + 30)]
    for memory in (one_by_one, at_once):
        VELOCITY.compute(past, memory)
        memory.keep()
    later = START + len(past) * step
    batch = [
        A_TRANSACTION._replace(event_time=later + n * step, transaction_id=f"t-{n}", device_id=f"d-{n % 3}")
        for n in range(FEW + 50)
    ]
    assert VELOCITY.compute(batch, at_once).tobytes() == alone(batch, one_by_one).tobytes()


def test_spreads_that_no_float_holds_are_divided_exactly() -> None:
    amounts = [10_000_000 - n * n * 4_999 for n in range(FEW + 30)]
    batch = [
        A_TRANSACTION._replace(transaction_id=f"t-{n}", event_time=START + n * MINUTE, amount=Decimal(cents) / 100)
        for n, cents in enumerate(amounts)
    ]
    one_by_one, at_once = Memory(past=NoPast()), Memory(past=NoPast())
    expected = np.concatenate([one_by_one.recall(Columns([each])) for each in batch], axis=1)
    np.testing.assert_array_equal(at_once.recall(Columns(batch)), expected)  # float32 would hide it
