"""How long to wait before the next try. Pure: the random draw is an argument, so that a test can name it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: a wait drawn evenly from zero to a ceiling that doubles with every attempt.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: of the variants compared there, full jitter does
    the least work when many clients compete.
    """

    base_s: float = 0.1
    cap_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse values that would make a wait negative or endless."""
        if not 0 < self.base_s <= self.cap_s < float("inf"):
            raise ValueError(f"a backoff needs 0 < base_s <= cap_s < inf, not base_s={self.base_s}, cap_s={self.cap_s}")

    def ceiling_s(self, attempt: int) -> float:
        """Return the longest wait after failure number `attempt` (0 is the first)."""
        doublings = min(attempt, 64)  # 2.0 ** 1024 would overflow after a night of failures
        return float(min(self.cap_s, self.base_s * 2.0**doublings))

    def wait_s(self, attempt: int, draw: float) -> float:
        """Return the wait after failure number `attempt`; `draw` is uniform in [0, 1)."""
        return draw * self.ceiling_s(attempt)
