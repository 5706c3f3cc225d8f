"""Load without an end in sight: a thread orders the next portion before the last one is sent."""

from __future__ import annotations

import threading
from typing import Self

from consumer.bench.loader import Loader, Order

_PORTION_S = 5.0
_LOOK_EVERY_S = 0.5


class SteadyLoad:
    """Sends `rate` events a second while the context lasts; the portions under way at its end are still sent.

    What stopped it early is raised at the end of the context.
    """

    def __init__(self, loader: Loader, rate: float) -> None:
        self._loader, self._order = loader, Order(rate, _PORTION_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run_and_note, daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None and kind is None:
            raise self._failure

    def wait_ended(self) -> None:
        """Wait until it has stopped, which it does by itself only where the generator has ended."""
        self._thread.join()

    def _run_and_note(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - raised at the end of the context, by the thread that waits
            self._failure = error

    def _run(self) -> None:
        while not self._stop.is_set():
            while self._loader.ordered - self._loader.sent < self._order.number:
                self._loader.order(self._order)
            self._stop.wait(_LOOK_EVERY_S)
