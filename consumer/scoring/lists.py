"""Allow and block lists: who is named, why and until when. Expiry is measured in event time, so that a replay agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from consumer.scoring.terms import Facts, ListCode
from schemas.card_numbers import is_card_number
from schemas.decision import Reason

LISTABLE = ("user_id", "card_id", "merchant_id", "device_id", "ip_address")
"""What an entry may name; compared letter by letter with what the event says."""
LIST_SENTENCES: dict[str, str] = {
    "BLOCK_LISTED": "The policy's block list names the customer, card, merchant, device or address.",
    "ALLOW_LISTED": "The policy's allow list names the customer, card, merchant, device or address, so nobody was alerted.",
}
"""What each list's reason code says to a person."""


def as_many(value: Any) -> Any:
    """Return one text as a tuple of one, an array as a tuple."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise ValueError("must be a text in quotes, or an array of texts")  # noqa: TRY004 - pydantic tells ValueErrors
    return tuple(value)


def _moment(value: Any) -> Any:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("must be a moment with its offset and without quotes, such as 2026-12-31T00:00:00Z")
    return value


def _token(value: str) -> str:
    if is_card_number(value):
        raise ValueError("looks like a card number: list the card's token")
    return value


Text = Annotated[str, Field(min_length=1, max_length=128)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(as_many), Field(min_length=1)]
Tokens = Annotated[tuple[Annotated[Text, AfterValidator(_token)], ...], BeforeValidator(as_many), Field(min_length=1)]


class Entry(BaseModel):
    """One entry: exactly one of the listable names with a text or several, the reason for people, and the end."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    user_id: Texts = ()
    card_id: Tokens = ()
    merchant_id: Texts = ()
    device_id: Texts = ()
    ip_address: Texts = ()
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    expires: Annotated[datetime, BeforeValidator(_moment)]
    """The first moment, in event time, at which the entry no longer holds."""

    @model_validator(mode="after")
    def _name_one(self) -> Self:
        if sum(bool(getattr(self, name)) for name in LISTABLE) != 1:
            raise ValueError(f"must name exactly one of {', '.join(LISTABLE)}; make an entry of each")
        return self


def list_reasons(code: ListCode | None) -> tuple[Reason, ...]:
    """Return the reason that stands before the model's where a list decided: no value, nothing contributed."""
    return (Reason(code, None, 0.0),) if code else ()


class NameList:
    """The entries as a look-up. Where several name the same, the one that lasts longest holds."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._ends: list[tuple[Callable[[Facts], str | None], dict[str | None, datetime]]] = []
        for name in LISTABLE:
            ends: dict[str | None, datetime] = {}
            for entry in entries:
                for value in getattr(entry, name):
                    ends[value] = max(entry.expires, ends.get(value, entry.expires))
            if ends:
                self._ends.append((attrgetter(name), ends))

    def names(self, facts: Facts) -> bool:
        """Whether an entry that has not expired at the event's time names one of its facts."""
        for read, ends in self._ends:
            end = ends.get(read(facts))
            if end is not None and facts.event_time < end:
                return True
        return False
