"""How often something that died may be started again before somebody else has to look. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartHistory:
    """When the restarts happened that still count, oldest first, in seconds of one monotonic clock."""

    times_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """At most `max_restarts` within any `window_s` seconds."""

    max_restarts: int = 5
    window_s: float = 600.0

    def __post_init__(self) -> None:
        """Refuse a bound that could never be kept."""
        if self.max_restarts < 0 or self.window_s <= 0:
            raise ValueError(f"max_restarts={self.max_restarts} must be >= 0 and window_s={self.window_s} > 0")

    def recent(self, history: RestartHistory, now_s: float) -> RestartHistory:
        """Return the restarts that still count at `now_s`; one exactly `window_s` old counts no more."""
        return RestartHistory(tuple(time_s for time_s in history.times_s if now_s - time_s < self.window_s))

    def allows(self, history: RestartHistory, now_s: float) -> bool:
        """Say whether one more restart at `now_s` keeps the bound."""
        return len(self.recent(history, now_s).times_s) < self.max_restarts

    def after_restart(self, history: RestartHistory, now_s: float) -> RestartHistory:
        """Return the history with a restart at `now_s` in it, and without what counts no more."""
        return RestartHistory((*self.recent(history, now_s).times_s, now_s))
