"""Segments: transactions that have thresholds of their own. Compiled to look-ups, because every record is asked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from consumer.scoring.lists import Texts
from consumer.scoring.terms import Bands, Edge, Facts, Terms
from schemas.decision import RiskLevel
from schemas.transaction import parse_amount

_TEXTS = ("merchant_category", "channel", "location_country", "currency")


def _money(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic tells ValueErrors
    return parse_amount(Decimal(repr(value)))


Money = Annotated[Decimal, BeforeValidator(_money)]


class Match(BaseModel):
    """Which transactions: all conditions must hold, a text must be one of those given, letter by letter as it was sent.

    Amounts are in units of the event's own currency; `amount_from` is included, `amount_below` is not.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    merchant_category: Texts = ()
    channel: Texts = ()
    location_country: Texts = ()
    currency: Texts = ()
    amount_from: Money | None = None
    amount_below: Money | None = None

    @model_validator(mode="after")
    def _match_some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must hold a condition: what goes for every transaction stands outside of segments")
        if self.amount_from is not None and self.amount_below is not None and self.amount_from >= self.amount_below:
            raise ValueError("amount_from must be less than amount_below")
        return self

    def covers(self, amount: Decimal) -> bool:
        """Whether the amount lies in the range."""
        return (self.amount_from is None or amount >= self.amount_from) and (
            self.amount_below is None or amount < self.amount_below
        )


class Segment(BaseModel):
    """A name, whom it matches, and what it overrides; what it does not override is the policy's own."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    match: Match
    classify_above: Edge | None = None
    alert_from: RiskLevel | None = None
    bands: Bands | None = None

    @model_validator(mode="after")
    def _override_some(self) -> Self:
        if self.classify_above is None and self.alert_from is None and self.bands is None:
            raise ValueError("must override classify_above, alert_from or bands")
        return self


class SegmentTable:
    """Finds the first segment that matches. A bit a segment: each fact leaves the bits of those that it does not rule out."""

    def __init__(self, segments: Sequence[Segment], terms: Sequence[Terms], otherwise: Terms) -> None:
        """Take the segments in order, the terms of each, and those of what no segment matches."""
        self._terms, self._otherwise = tuple(terms), otherwise
        self._texts = [_compile(name, segments) for name in _TEXTS if any(getattr(s.match, name) for s in segments)]
        edges = {edge for s in segments for edge in (s.match.amount_from, s.match.amount_below) if edge is not None}
        self._edges = sorted(edges)
        below_all = Decimal(-1)
        self._between = [
            _bits(segment.match.covers(amount) for segment in segments) for amount in (below_all, *self._edges)
        ]

    def terms_of(self, facts: Facts) -> Terms:
        """Return the terms of the first segment that matches, or those of what none matches."""
        left = self._between[bisect_right(self._edges, facts.amount)]
        for read, by_text, otherwise in self._texts:
            left &= by_text.get(read(facts), otherwise)
        return self._terms[(left & -left).bit_length() - 1] if left else self._otherwise


def _bits(are_met: Iterable[bool]) -> int:
    """Return the number with the bits of those segments for which it is so."""
    return sum(1 << number for number, is_met in enumerate(are_met) if is_met)


def _compile(
    name: str, segments: Sequence[Segment]
) -> tuple[Callable[[Facts], str | None], dict[str | None, int], int]:
    """Return how to read the fact, the bits that each text leaves, and those that any other text leaves."""
    wanted: list[tuple[str, ...]] = [getattr(segment.match, name) for segment in segments]
    otherwise = _bits(not texts for texts in wanted)
    by_text: dict[str | None, int] = {
        text: otherwise | _bits(text in texts for texts in wanted)
        for text in {text for texts in wanted for text in texts}
    }
    return attrgetter(name), by_text, otherwise
