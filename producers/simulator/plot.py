"""Which stories begin when: each kind by chance at an even rate of expected events, with those that began before the start."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from producers.simulator.fraud import LONGEST_DAYS, PATTERNS
from producers.simulator.intents import Intent
from producers.simulator.lookalikes import LOOKALIKES
from producers.simulator.rhythm import DAY_MS, Calendar
from producers.simulator.stage import Stage, Story

STORIES = (*PATTERNS, *LOOKALIKES)
"""Story number n (from 1) is STORIES[n - 1]; the frauds come first."""

LOOKALIKE_SHARE = sum(story.share for story in LOOKALIKES)


def is_fraud(story: int) -> bool:
    """Tell whether a story's number is that of a fraud pattern."""
    return 0 < story <= len(PATTERNS)


class Plot:
    """Plans the stories as time moves on."""

    def __init__(self, stage: Stage, calendar: Calendar, fraud_share: float, start_ms: int) -> None:
        self._stage, self._calendar, self._start_ms = stage, calendar, start_ms
        shares = [s.share * fraud_share for s in PATTERNS] + [s.share for s in LOOKALIKES]
        self._gaps = [
            story.mean_events / share if share else float("inf") for story, share in zip(STORIES, shares, strict=True)
        ]
        before = calendar.expected_before(start_ms - LONGEST_DAYS * DAY_MS / stage.pace)
        self._next = [before + stage.chance.expovariate(1.0) * gap for gap in self._gaps]
        self._pending: list[Intent] = []

    def intents_until(self, end_ms: int) -> list[Intent]:
        """Return what is due up to and including `end_ms` and was not returned before, in order of time."""
        end = self._calendar.expected_before(end_ms)
        for number, story in enumerate(STORIES):
            while self._next[number] <= end:
                self._plan(number + 1, story, self._next[number])
                self._next[number] += self._stage.chance.expovariate(1.0) * self._gaps[number]
        due = list[Intent]()
        while self._pending and self._pending[0].ms <= end_ms:
            due.append(heappop(self._pending))
        return due

    def _plan(self, number: int, story: Story, expected: float) -> None:
        begins_ms = int(self._calendar.moments(np.array([expected]))[0])
        for intent in story.plan(self._stage, begins_ms):
            if intent.ms >= self._start_ms:
                heappush(self._pending, intent._replace(story=number))
