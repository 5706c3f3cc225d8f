"""What is learnt of transactions afterwards: the ports of labels and of the roll-up that makes them, and closed hours, features."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from schemas.label import Label

LabelOutcome = Literal["stored", "early", "repeated", "contradicted", "ambiguous"]
"""What became of a report.

stored: it is the first of its source, and its event is decided; early: likewise, but no such event is decided (yet, or any longer);
repeated: its source said the same before; contradicted: its source said the opposite before, which stays;
ambiguous: refused, because several events have this id and it does not say which it means.
"""


class StoredLabel(NamedTuple):
    """A report as the ledger keeps it. `event_time` is None until its event is decided, unless the report told it."""

    transaction_id: str
    event_time: datetime | None
    source: str
    is_fraud: bool
    reported_at: datetime
    known_at: datetime
    """Features of events in later hours may know of it; by the ledger's clock, whatever the source says."""
    due_at: datetime | None
    """When the roll-up looks at it (again); None: it has done with it."""


class Labels(Protocol):
    """Reports on transactions: for each event the first of each source wins. Both methods raise the errors of sinks."""

    def put(self, labels: Sequence[Label], *, is_dry_run: bool = False) -> Sequence[LabelOutcome]:
        """Store a batch in one transaction, as if one after the other; return what became of each, in their order.

        Batches take turns, whoever puts them. A batch may be put again after TransientSinkError. A dry run stores nothing.
        """
        ...

    def find(self, transaction_id: str) -> Sequence[StoredLabel]:
        """Return what was reported of this id, in the order in which it became known; empty if nothing was."""
        ...


class RollUpLag(NamedTuple):
    """How far the roll-up is behind: since when (s) the oldest hour or label that it has not looked at is due, 0 if none is.

    `waiting_labels`: labels whose event is not decided.
    """

    behind_s: float
    waiting_labels: int


class MerchantRollUp(Protocol):
    """Counts merchants' transactions and frauds by hour, from decisions and labels, for the features of later events.

    An hour of decisions is counted when it ended 166 hours ago (`LABEL_DELAY_DAYS` less two hours), two hours before the first event
    can ask for it, and never again. Not counted is what is decided after that: events that were more than 6 days and 22 hours late,
    and whatever a consumer decides that stood still for so long. A label of fraud is counted as soon as it and its event's decision
    are there, once an event however many sources report it, with the hour of the earliest report known; events in hours up to that
    one do not see it. A label whose event is not decided within 45 days is left alone, as are hours that ended 45 days ago.
    """

    def take_step(self, now: datetime) -> bool:
        """Do the next bounded piece of what is due at `now` in one transaction; False if there is none or others are at it.

        Raises TransientSinkError, or PermanentSinkError if hours of the future are counted already: somebody's clock was wrong.
        """
        ...

    def lag(self, now: datetime) -> RollUpLag:
        """Return how far it is behind at `now`."""
        ...
