"""A batch's transactions turned into columns, once for everything that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import repeat
from operator import mul, sub
from typing import Any

from consumer.scoring.features.places import DOLLAR_VALUES
from schemas.decision import Decision
from schemas.transaction import Transaction

FEW = 32
"""Below so many rows a loop in Python costs less than numpy's calls."""
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_FIELD = {name: number for number, name in enumerate(Transaction._fields)}


def event_ms_of(moment: datetime) -> int:
    """Return milliseconds since 1970 of an aware time that is in milliseconds."""
    return round((moment - _1970).total_seconds() * 1000)


class Columns:
    """The fields of some transactions, at least one, each in their order; and numbers that more than one reader needs."""

    def __init__(self, transactions: Sequence[Transaction | Decision]) -> None:
        """Take new transactions, or decided ones, whose first fields are the same."""
        self.transactions = transactions
        self._fields: tuple[tuple[Any, ...], ...] = tuple(zip(*transactions, strict=True))

    def __len__(self) -> int:
        return len(self.transactions)

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """Return the field of this name, of every transaction."""
        return self._fields[_FIELD[name]]

    @cached_property
    def amounts(self) -> list[float]:
        """The float64 nearest to each decimal amount."""
        return list(map(float, self["amount"]))

    @cached_property
    def dollars(self) -> list[float]:
        """What the amounts are worth, see `DOLLAR_VALUES`."""
        return list(map(mul, self.amounts, map(DOLLAR_VALUES.__getitem__, self["currency"])))

    @cached_property
    def event_ms(self) -> list[int]:
        """Event times in milliseconds since 1970."""
        return event_times_ms(self["event_time"])


def event_times_ms(moments: Sequence[datetime]) -> list[int]:
    """Return what `event_ms_of` returns of each."""
    seconds = map(timedelta.total_seconds, map(sub, moments, repeat(_1970)))
    return [round(second * 1000) for second in seconds]
