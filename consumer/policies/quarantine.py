"""The quarantine brake: when too much is refused, stop. A bad deploy must not turn the stream into dead letters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


class QuarantineLimitExceeded(Exception):
    """Too many records were refused: stop without a checkpoint, and call a person."""


@dataclass(frozen=True, slots=True)
class QuarantinePolicy:
    """Stop at `max_consecutive` refusals in a row, or when more than `max_ratio` of the last `window` verdicts are refusals."""

    max_consecutive: int = 1_000
    max_ratio: float = 0.5
    window: int = 2_000


@dataclass(slots=True)
class QuarantineBrake:
    """The state of one worker: its latest verdicts, new ones only, in stream order."""

    policy: QuarantinePolicy
    _refused: deque[bool] = field(default_factory=deque)
    _count: int = 0
    _in_a_row: int = 0

    def observe(self, verdicts: Iterable[bool]) -> None:
        """Take verdicts (True = refused); raise QuarantineLimitExceeded where the policy says stop."""
        for is_refused in verdicts:
            self._take(is_refused=is_refused)
            if self._in_a_row >= self.policy.max_consecutive or self._is_ratio_exceeded():
                raise QuarantineLimitExceeded(
                    f"{self._in_a_row} records in a row and {self._count} of the last {len(self._refused)} were refused; "
                    "look at what changed (producers, schema, this release); if the refusals are right, raise "
                    "FRAUDSTREAM_QUARANTINE_MAX_CONSECUTIVE and FRAUDSTREAM_QUARANTINE_MAX_RATIO and start again"
                )

    def _take(self, *, is_refused: bool) -> None:
        self._refused.append(is_refused)
        self._count += is_refused
        self._in_a_row = self._in_a_row + 1 if is_refused else 0
        if len(self._refused) > self.policy.window:
            self._count -= self._refused.popleft()

    def _is_ratio_exceeded(self) -> bool:
        return len(self._refused) == self.policy.window and self._count > self.policy.max_ratio * self.policy.window
