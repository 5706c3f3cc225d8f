"""What may become of a request to classify, whatever it travels in: a request of its own or one item of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.decision import Decision, Identity


class Decided(NamedTuple):
    """The stream's decision. `is_duplicate`: the same event was asked for, or decided, before."""

    decision: Decision
    is_duplicate: bool


class Accepted(NamedTuple):
    """The event is in the stream, and not decided yet: ask for it later."""

    identity: Identity
    is_duplicate: bool


class Conflicting(NamedTuple):
    """The transaction id stands for another event. `details` are texts by field."""

    details: Mapping[str, str]


class Declined(NamedTuple):
    """The stream refuses the event. `details` are texts by field."""

    details: Mapping[str, str]


class Unavailable(NamedTuple):
    """Nobody knows what became of it: the stream or the ledger did not answer. To ask again with the same id is safe."""

    transaction_id: str
    retry_after_s: float


Outcome = Decided | Accepted | Conflicting | Declined | Unavailable
