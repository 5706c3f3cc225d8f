"""Hostile events: well over a hundred kinds of records that break careless consumers, each with the verdict to be expected.

For the demo's mix and for tests. The kinds are in hostile_bytes, hostile_fields and hostile_oddities; resends are here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from producers.simulator.hostile_bytes import BYTES
from producers.simulator.hostile_fields import FIELDS
from producers.simulator.hostile_oddities import ODDITIES
from producers.simulator.hostile_recipes import encode, good_event
from schemas.dead_letter import RefusalReason


class HostileEvent(NamedTuple):
    """A record, its kind, and why it must be refused (None: it must be decided); `fields` are all that its refusal must name.

    A field of "" stands for the event as a whole. Of two conflicting resends the one that is read later is refused.
    """

    data: bytes
    kind: str
    reason: RefusalReason | None
    fields: tuple[str, ...] = ()


def hostile_events(seed: int, now: datetime) -> Iterator[HostileEvent]:
    """Yield one event of every kind in an order drawn from `seed`, resends after what they repeat; every kind once.

    Event times lie around `now` (aware), so that only the kinds that are meant to be are out of bounds. Transaction ids depend on
    the seed: another round needs another seed. The exact resend is legal, and has no effect.
    """
    recipes = [*BYTES, *FIELDS, *ODDITIES]
    Random(f"hostile {seed}").shuffle(recipes)
    for number, (kind, make, reason, fields) in enumerate(recipes):
        yield HostileEvent(make(good_event(f"hostile-{seed}-{number:03d}", now)), kind, reason, fields)
    yield from _resends(seed, now)


def _resends(seed: int, now: datetime) -> Iterator[HostileEvent]:
    same = encode(good_event(f"hostile-{seed}-resent", now))
    yield HostileEvent(same, "resent_later", None)
    yield HostileEvent(same, "exact_resend", None)
    first = good_event(f"hostile-{seed}-conflict-of-content", now)
    yield HostileEvent(encode(first), "resent_later_with_other_amount", None)
    yield HostileEvent(encode(first | {"amount": 43.5}), "conflicting_amount", "conflicting_resend")
    yield HostileEvent(
        encode(good_event(f"hostile-{seed}-conflict-of-time", now)), "resent_later_with_other_time", None
    )
    later = good_event(f"hostile-{seed}-conflict-of-time", now - timedelta(seconds=90))
    yield HostileEvent(encode(later), "conflicting_time", "conflicting_resend")
