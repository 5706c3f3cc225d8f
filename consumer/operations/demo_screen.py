"""Where the demo shows itself: a view that is drawn anew in place on a terminal, lines everywhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from consumer.operations.demo_look import Alert, Look
from consumer.operations.demo_view import LEAST_HEIGHT, LEAST_WIDTH, Moment, Space, draw, moment_of

_MOMENTS = 90
_ALERTS_KEPT = 40


class Watched(Protocol):
    """What is shown: a head and lines, or a look at a time. See `consumer.operations.demo_watch.Watch`."""

    def header(self) -> str:
        """Return the head of the lines."""

    def lines(self) -> Iterator[str]:
        """Yield what came since the last call, as lines."""

    def look(self) -> Look:
        """Return what came since the last call, as values."""


class Screen(Protocol):
    """Shows the system once a second between its `with` and the end of it; the last picture stays."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was, below the last picture."""

    def show(self, doing: str) -> None:
        """Look, and show it; `doing` is what goes on, in a few words."""


def screen_for(watch: Watched, console: Console, *, is_plain: bool) -> Screen:
    """Return a live view where the terminal can show one and nobody asked for lines."""
    return PlainScreen(watch) if is_plain or not is_able(console) else LiveScreen(watch, console)


def is_able(console: Console) -> bool:
    """Whether the view can be drawn: a terminal with a cursor to move, of some size, that shows more than ASCII."""
    is_small = console.width < LEAST_WIDTH or console.height < LEAST_HEIGHT
    return console.is_terminal and not console.is_dumb_terminal and not is_small and console.encoding.startswith("utf")


class PlainScreen:
    """A line a second under a head, and lines of alerts in between."""

    def __init__(self, watch: Watched) -> None:
        self._watch = watch

    def __enter__(self) -> Self:
        """Print the head."""
        print(self._watch.header(), flush=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: lines stay."""

    def show(self, doing: str) -> None:  # noqa: ARG002 - lines tell figures only
        """Print what came, and a line of figures."""
        for line in self._watch.lines():
            print(line, flush=True)


class LiveScreen:
    """The view, drawn over itself without clearing, so that nothing flickers; a changed size counts from the next second on."""

    def __init__(self, watch: Watched, console: Console) -> None:
        self._watch, self._console = watch, console
        self._past: deque[Moment] = deque(maxlen=_MOMENTS)
        self._alerts: deque[Alert] = deque(maxlen=_ALERTS_KEPT)
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        """Hide the cursor."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the cursor again, below the last picture."""
        self._live.stop()

    def show(self, doing: str) -> None:
        """Look, and draw."""
        look = self._watch.look()
        self._past.append(moment_of(look))
        self._alerts.extendleft(look.alerts)
        space = Space(self._console.width, self._console.height - 1)
        self._live.update(
            draw(f"fraudstream demo: {doing}", look, list(self._past), list(self._alerts), space), refresh=True
        )
