"""The quarantine brake: when too much is refused, stop. A bad deploy must not turn the stream into dead letters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple


class QuarantineLimitExceeded(Exception):
    """Too many records were refused: stop without a checkpoint, and call a person."""


@dataclass(frozen=True, slots=True)
class QuarantinePolicy:
    """Stop at `max_consecutive` refusals in a row, or when more than `max_ratio` of the last `window` verdicts are refusals."""

    max_consecutive: int = 1_000
    max_ratio: float = 0.5
    window: int = 2_000


class Verdict(NamedTuple):
    """One record's verdict; `is_new` unless it is remembered from an earlier delivery of the record."""

    is_refused: bool
    is_new: bool = True


@dataclass(slots=True)
class QuarantineBrake:
    """The state of one worker: its latest verdicts in stream order.

    What was refused before counts, so that a restart does not forget, but never stops the worker: it was let pass once.
    """

    policy: QuarantinePolicy
    _refused: deque[bool] = field(default_factory=deque)
    _count: int = 0
    _in_a_row: int = 0

    def check(self, verdicts: Iterable[Verdict]) -> None:
        """Raise QuarantineLimitExceeded where `observe` would; remember nothing."""
        QuarantineBrake(self.policy, self._refused.copy(), self._count, self._in_a_row).observe(verdicts)

    def observe(self, verdicts: Iterable[Verdict]) -> None:
        """Take verdicts; raise QuarantineLimitExceeded where the policy says stop."""
        for verdict in verdicts:
            self._take(is_refused=verdict.is_refused)
            is_over = self._in_a_row >= self.policy.max_consecutive or self._is_ratio_exceeded()
            if verdict.is_new and verdict.is_refused and is_over:
                raise QuarantineLimitExceeded(
                    f"{self._in_a_row} records in a row and {self._count} of the last {len(self._refused)} were refused; "
                    "look at what changed (producers, schema, this release); if the refusals are right, raise "
                    "FRAUDSTREAM_QUARANTINE_MAX_CONSECUTIVE and FRAUDSTREAM_QUARANTINE_MAX_RATIO and start again"
                )

    def release(self, decided: int) -> None:
        """Take so many verdicts at once, none of which refuses: what `observe` does with them, in less time."""
        self._in_a_row = 0 if decided else self._in_a_row
        self._refused.extend(repeat(False, min(decided, self.policy.window)))
        while len(self._refused) > self.policy.window:
            self._count -= self._refused.popleft()

    def _take(self, *, is_refused: bool) -> None:
        self._refused.append(is_refused)
        self._count += is_refused
        self._in_a_row = self._in_a_row + 1 if is_refused else 0
        if len(self._refused) > self.policy.window:
            self._count -= self._refused.popleft()

    def _is_ratio_exceeded(self) -> bool:
        return len(self._refused) == self.policy.window and self._count > self.policy.max_ratio * self.policy.window
