"""Pure: what stands for a transaction id, judged, so that a retry gets the first decision, and an id stands for one event."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from producers.gateway.outcomes import Conflicting, Decided
from schemas.timestamps import format_timestamp
from sinks.front import Reservation, Standing

USED_BEFORE = "was used before for another event"


class ToPublish(NamedTuple):
    """The event is to be published with this time; that is harmless where it was published before: first write wins."""

    event_time: datetime
    is_duplicate: bool


def judge(asked: Reservation, standing: Standing, *, is_time_given: bool) -> Decided | ToPublish | Conflicting:
    """Return what to do with a request, given what stands for its id.

    `is_time_given`: the sender gave the event's time, so that another time is another event. Otherwise the same content under the same
    id is the same event, whenever it is sent, and keeps the time of its first sending.
    """
    rows = [row for row in standing.decisions if row.content_hash == asked.content_hash]
    for row in rows:
        if row.event_time == asked.event_time or not is_time_given:
            return Decided(row, is_duplicate=True)
    stood = standing.reservation
    if stood is None or standing.decisions or stood.content_hash != asked.content_hash:
        return _conflict(rows[0].event_time if rows else None)
    if is_time_given and stood.event_time != asked.event_time:
        return _conflict(stood.event_time)
    return ToPublish(stood.event_time, is_duplicate=not standing.is_new)


def _conflict(first_time: datetime | None) -> Conflicting:
    """`first_time`: when the same content happened, as it was first told; None where the content is another."""
    if first_time is None:
        return Conflicting({"transaction_id": USED_BEFORE})
    return Conflicting({"timestamp": f"was {format_timestamp(first_time)} when this transaction_id was first used"})
