"""Schedules that are worth keeping: what random ones seldom meet, and what once showed a defect."""

from __future__ import annotations

from tests.property.effects_schedule import Schedule, Step
from tests.property.effects_stream import Sent

_INITIALIZED = Step("go")
_RACE = (Step("start", much=1), Step("go", 1), Step("go", 1), Step("go"))
"""Another owner takes the lease and goes on; then the first one wakes up."""

FOUND: dict[str, Schedule] = {
    "commit: overtaken": Schedule(
        [Sent("old")],
        0,
        False,
        [
            _INITIALIZED,
            Step("halt", at="before commit"),
            Step("start", much=2),
            Step("go", 1),
            Step("go", 1),
            Step("go"),
        ],
    ),
    "commit: waits for a suspended process": Schedule(
        [Sent("good")], 0, False, [_INITIALIZED, Step("halt", at="inside commit"), *_RACE]
    ),
    "put: 412": Schedule([Sent("good")], 1, False, [_INITIALIZED, Step("halt", at="before put"), *_RACE]),
    "letter: 412": Schedule([Sent("bad")], 1, False, [_INITIALIZED, Step("halt", at="before letter"), *_RACE]),
    "checkpoint: by a zombie": Schedule(
        [Sent("good")], 1, False, [_INITIALIZED, Step("halt", at="before checkpoint"), *_RACE]
    ),
    "lease lost at the shard's end": Schedule(
        [Sent("good"), Sent("good", 2)],
        1,
        True,
        [_INITIALIZED, Step("go"), Step("start", much=1), Step("go", 1), Step("go", 1), Step("go", 1), Step("go")],
    ),
    "quarantine": Schedule([Sent("bad")] * 3, 4, False, [_INITIALIZED, Step("go")]),
}
"""By what happens in it."""

_ONE = 7
"""How much of a `go` delivers one record and waits for its effects."""

FOUND_OF_VECTORS: dict[str, Schedule] = {
    "rows that others wrote do not enter histories": Schedule(
        [Sent("good")] * 6,
        0,
        False,
        [
            _INITIALIZED,
            *[Step("go", 0, _ONE)] * 2,
            Step("start"),
            Step("go", 1),
            *[Step("go", 1, _ONE)] * 4,
            Step("go", 0),
            Step("go", 0),
        ],
    ),
    "histories outlive the lease": Schedule(
        [Sent("good")] * 6,
        0,
        False,
        [
            _INITIALIZED,
            *[Step("go", 0, _ONE)] * 2,
            Step("tell lease lost"),
            Step("start", much=3),
            Step("go", 1),
            *[Step("go", 1, _ONE)] * 4,
            Step("kill", 1),
            Step("go"),
            Step("go"),
        ],
    ),
    "what was not committed stays in histories": Schedule(
        [Sent("good"), Sent("good"), Sent("old"), Sent("good"), Sent("good")],
        0,
        False,
        [
            _INITIALIZED,
            Step("halt", at="before commit"),
            Step("start", much=4),
            Step("go", 1),
            *[Step("go", 1, _ONE)] * 3,
            Step("go"),
        ],
    ),
}
"""By the rule that is missed in them where it is broken."""
