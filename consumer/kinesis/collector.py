"""When the garbage collector runs in a worker: between batches, never inside one. Apart, because only time and idleness decide.

A batch makes tens of thousands of objects that live as long as their chunk, and hardly a cycle: collections inside it cost a tenth of
the worker's time and stop it, with a large memory of users, for tens of milliseconds at any moment.
"""

from __future__ import annotations

import gc

_YOUNG_EVERY_S, _ALL_EVERY_S, _ALL_AT_LAST_S = 2.0, 60.0, 900.0


class Collector:
    """Takes the collector over: frozen is what the host loaded, and nothing is collected but by `between_batches`."""

    def __init__(self, now_s: float) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()
        self._young_s = self._all_s = now_s

    def between_batches(self, now_s: float, *, is_idle: bool) -> None:
        """Collect what is young every two seconds; everything in a pause of the stream, at most once a minute, or every 15 minutes."""
        if now_s - self._all_s >= (_ALL_EVERY_S if is_idle else _ALL_AT_LAST_S):
            gc.collect()
            self._young_s = self._all_s = now_s
        elif now_s - self._young_s >= _YOUNG_EVERY_S:
            gc.collect(1)
            self._young_s = now_s
