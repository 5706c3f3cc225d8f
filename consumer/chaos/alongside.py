"""Work that a thread does while a context lasts; what stopped it early is raised where the context ends, not lost with the thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self


class Alongside:
    """Runs `body` in a thread while the context lasts; `body` is to look at `is_over`, or `wait`, and to return soon after.

    Its failure is raised at the end of the context, unless the context itself ends by one.
    """

    def __init__(self, body: Callable[[Alongside], None]) -> None:
        self._body = body
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run_and_note, daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failure is not None and kind is None:
            raise self._failure

    @property
    def is_over(self) -> bool:
        """Whether the context ends, and the body with it."""
        return self._over.is_set()

    def wait(self, seconds: float) -> None:
        """Wait so long, shorter where the context ends meanwhile."""
        self._over.wait(seconds)

    def wait_ended(self) -> None:
        """Wait until the body has returned, which it does by itself only where it fails."""
        self._thread.join()

    def _run_and_note(self) -> None:
        try:
            self._body(self)
        except Exception as error:  # noqa: BLE001 - raised at the end of the context, by the thread that waits
            self._failure = error
