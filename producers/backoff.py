"""Full-jitter backoff, pure: the random draw is an argument. Source: AWS Architecture Blog, Exponential Backoff And Jitter (2015)."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_EXPONENT = 32  # beyond it every sane base has long reached its cap, and floats would overflow


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits of 0 to min(cap, base x 2^attempt) seconds, evenly drawn, so that many publishers do not come back at once."""

    base_s: float = 0.05
    cap_s: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.base_s <= self.cap_s:
            raise ValueError(f"the base must be above 0 and at most the cap, not {self.base_s} and {self.cap_s}")

    def delay_s(self, attempt: int, draw: float) -> float:
        """Return the seconds to wait before try `attempt` + 1 (`attempt` >= 0), for a `draw` in [0, 1)."""
        return min(self.cap_s, self.base_s * 2.0 ** min(attempt, _MAX_EXPONENT)) * draw
