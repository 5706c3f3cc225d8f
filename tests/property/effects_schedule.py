"""A schedule as a value: what was sent, and what happens step by step. Drawn by Hypothesis, printed when it fails, run again as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from tests.property.effects_stream import KINDS as RECORDS
from tests.property.effects_stream import Kind as RecordKind
from tests.property.effects_stream import Sent


class Step(NamedTuple):
    """One thing that happens: a verb, or a call that meets a fault.

    `who`: which process, shard or request; `much`: how far, how many, which; `at`: the point on the way, or the fault.
    """

    what: str
    who: int = 0
    much: int = 0
    at: str = ""


class Schedule(NamedTuple):
    """A stream and its fate. `deploy`: what runs at first; `is_split`: whether the first shard ends and its child begins.

    `puts_beside`: whether chunks are stored beside the work of their process, so that chance says when.
    """

    sent: Sequence[Sent]
    deploy: int
    is_split: bool
    steps: Sequence[Step]
    puts_beside: bool = False

    def __str__(self) -> str:
        """As Python, to be pasted into `effects_found.py`."""
        sent = "".join(f"        {one!r},\n" for one in self.sent)
        steps = "".join(f"        {one!r},\n" for one in self.steps)
        return f"Schedule(\n    [\n{sent}    ],\n    {self.deploy},\n    {self.is_split},\n    [\n{steps}    ],\n    {self.puts_beside},\n)"


FAULTS: dict[str, tuple[str, ...]] = {
    "look_up": ("cut",),
    "commit": ("cut before COMMIT", "answer to COMMIT lost"),
    "put": ("503", "409", "answer lost", "lands late", "retried inside"),
    "letter": ("503", "409", "answer lost", "lands late"),
    "look": ("500",),
    "checkpoint": ("throttled", "lease lost", "fails", "lands all the same"),
    "publish": ("away", "partly failed", "answer lost"),
    "mark_sent": ("cut",),
}
"""What a call may meet. `look` is LIST or HEAD; `lands late` is a PUT without an answer that stays on the wire."""
RELAYS_CALLS = ("publish", "mark_sent")
POINTS = tuple(
    f"{when} {call}"
    for call in ("look", "look_up", "commit", "letter", "put", "checkpoint")
    for when in ("before", "after", *(["inside"] if call == "commit" else []))
)
"""Where a worker can be stopped on its way; inside a commit means right before COMMIT."""
RELAYS_POINTS = ("after claim", "before publish", "after publish", "after mark_sent")
Kind = tuple[str, str]
"""What happens, and at which point or with which fault."""
KINDS: tuple[Kind, ...] = (
    *[(verb, "") for verb in ("start", "relay", "land", "kill", "tell lease lost", "stop", "clock")],
    *[("new application", ""), ("trim", ""), ("end session", "inside commit")],
    *[(verb, point) for verb in ("kill", "halt") for point in POINTS],
    *[("kill relay", point) for point in RELAYS_POINTS],
    *[(call, fault) for call, faults in FAULTS.items() for fault in faults],
)
"""Everything that may happen, but for `go`."""
_STEPS = (
    *[("go", "")] * 30,
    *KINDS,
    *[("start", "")] * 8,
    *[("land", ""), ("put", "lands late"), ("stop", "")] * 2,
    *[("halt", point) for point in ("before commit", "inside commit", "before put", "before checkpoint")] * 2,
)
"""By weight; the first is what everything shrinks to."""


_NEEDS: dict[Kind, Sequence[Kind]] = {("land", ""): [("put", "lands late"), ("letter", "lands late")] * 8}
"""What has to happen before."""


def name_of(kind: Kind) -> str:
    """Return the name under which it is counted when it happens."""
    return ": ".join(filter(None, kind))


_sent = st.builds(
    Sent,
    kind=st.sampled_from((*RECORDS, "good", "good", "good", "repeat", "old", "bad")),
    shard=st.sampled_from((0, 0, 0, 1, 2)),
    about=st.integers(0, 60),
    after_s=st.sampled_from((1, 0, 5, -2, 7_200, 100_000)),
)


def _step(kinds: Sequence[Kind]) -> st.SearchStrategy[Step]:
    return st.builds(
        lambda kind, who, much: Step(kind[0], who, much, kind[1]),
        st.sampled_from(kinds),
        st.integers(0, 4),
        st.integers(0, 7),
    )


def schedules_with(kind: Kind) -> st.SearchStrategy[Schedule]:
    """Schedules in which one kind of thing happens often. Of every length alike: Hypothesis' own lists are short."""
    step = _step((*_STEPS, *[kind] * 20, *_NEEDS.get(kind, ())))
    steps = st.integers(1, 48).flatmap(lambda size: st.lists(step, min_size=size, max_size=size))
    sent = st.integers(1, 14).flatmap(lambda size: st.lists(_sent, min_size=size, max_size=size))
    return st.builds(Schedule, sent, st.integers(0, 5), st.booleans(), steps, st.booleans())


_MOSTLY_GOOD: tuple[RecordKind, ...] = ("good", "good", "good", "late", "tie", "repeat", "other time", "old", "bad")
_sent_to_one = st.builds(
    Sent,
    kind=st.sampled_from(_MOSTLY_GOOD),
    shard=st.sampled_from((0, 0, 0, 2)),
    about=st.integers(0, 60),
    after_s=st.sampled_from((1, 0, 300, 40_000)),
)
_WHOLE_BATCHES = (7, 7, 7, 6, 0)
"""How much of a `go`: one or two records mostly, and their answer."""
_WITH_VECTORS = (0, 3, 3, 4)
"""Deploys whose scorer has a memory: one that keeps everything, one that closes its chunks soon and remembers nobody, and so on."""
_STEPS_OF_MANY = (
    *[("go", "")] * 12,
    *[("start", "")] * 2,
    *[
        ("kill", ""),
        ("tell lease lost", ""),
        ("halt", "before commit"),
        ("halt", "after look_up"),
        ("end session", "inside commit"),
    ],
    *[("commit", fault) for fault in FAULTS["commit"]],
)


def long_schedules() -> st.SearchStrategy[Schedule]:
    """Many records of few users on one shard and its child, in small batches, by owners and zombies that take turns."""
    step = st.sampled_from(_STEPS_OF_MANY).flatmap(
        lambda kind: st.builds(
            lambda who, much: Step(kind[0], who, much, kind[1]),
            st.integers(0, 3),
            st.sampled_from(_WITH_VECTORS if kind[0] == "start" else _WHOLE_BATCHES),
        )
    )
    steps = st.integers(20, 90).flatmap(lambda size: st.lists(step, min_size=size, max_size=size))
    sent = st.integers(10, 30).flatmap(lambda size: st.lists(_sent_to_one, min_size=size, max_size=size))
    return st.builds(Schedule, sent, st.sampled_from(_WITH_VECTORS), st.booleans(), steps, st.booleans())
