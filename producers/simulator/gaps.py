"""Which optional fields an event lacks: senders differ, and the model must live with what is missing."""

from __future__ import annotations

from random import Random
from typing import Any

_PATTERNS = 1024
_ABSENT_SHARE = 0.7  # the others are sent as null
_GAPS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.01, ("currency",)),
    (0.01, ("merchant_id",)),
    (0.02, ("merchant_category",)),
    (0.02, ("channel",)),
    (0.04, ("location",)),
    (0.08, ("location.latitude", "location.longitude")),
    (0.05, ("location.city",)),
    (0.06, ("device_info",)),
    (0.08, ("device_info.ip_address",)),
    (0.04, ("device_info.device_id",)),
    (0.03, ("card_id",)),
    (0.10, ("hour", "day_of_week")),
    (0.10, ("previous_transactions_count",)),
)

Gap = tuple[str, str, bool]
"""The object that lacks a field ("" is the event), the field, and whether it is sent as null."""


def make_gap_patterns(rng: Random) -> list[tuple[Gap, ...]]:
    """Return patterns to draw from evenly; made ahead, because an event has no time for thirteen draws."""
    return [_pattern(rng) for _ in range(_PATTERNS)]


def _pattern(rng: Random) -> tuple[Gap, ...]:
    paths = [path for share, group in _GAPS if rng.random() < share for path in group]
    return tuple((*_split(path), rng.random() > _ABSENT_SHARE) for path in paths)


def _split(path: str) -> tuple[str, str]:
    parent, _, name = path.rpartition(".")
    return parent, name


def leave_gaps(event: dict[str, Any], gaps: tuple[Gap, ...]) -> None:
    """Take fields out of `event` in place."""
    for parent, name, is_null in gaps:
        holder = event.get(parent) if parent else event
        if not holder:
            continue
        if is_null:
            holder[name] = None
        else:
            holder.pop(name, None)
