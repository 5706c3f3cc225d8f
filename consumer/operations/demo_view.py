"""The demo's live view of one moment, drawn from values. Pure: the same values in the same space give the same lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumer.operations.demo_look import Alert, Hop, Look, Shard
from consumer.operations.terminal import printable

LEAST_WIDTH, LEAST_HEIGHT = 40, 13
"""Of a terminal that the view is drawn on; smaller ones get lines."""
_MOST_WIDTH = 100
_RATE_LINES = 5
_RATE_LOOKS = 3
_BARS = "▁▂▃▄▅▆▇█"
_BARS_FROM_WIDTH = 70
_SHARDS_SHOWN = 4
_STYLES = {"critical": "bold red", "high": "yellow"}


class Space(NamedTuple):
    """Columns and lines of the terminal."""

    width: int
    height: int


class Moment(NamedTuple):
    """What rates are made of."""

    at: datetime
    published: int
    decided: int
    refused: int
    alerts: int


Counter: TypeAlias = Literal["published", "decided", "refused", "alerts"]
"""A counter of `Moment`."""


def moment_of(look: Look) -> Moment:
    """Return a look's part in the rates."""
    return Moment(look.at, look.published, look.counts.decisions, look.counts.refusals, look.counts.alerts)


def draw(title: str, look: Look, past: Sequence[Moment], alerts: Sequence[Alert], space: Space) -> RenderableType:
    """Return the whole view, never more than `space.height` lines: alerts, newest first, take what is left.

    `past` holds the moments so far, oldest first, this one included; `alerts` newest first.
    """
    width = min(space.width, _MOST_WIDTH)
    room = space.height - _RATE_LINES - 2 - len(look.hops)
    shards = [*_shards(look, width)] if look.shards and room > _SHARDS_SHOWN else []
    shown = list(_alerts(alerts, width, room - len(shards) - 1))
    heading = [Text("alerts as they fire", style="bold")] if shown else []
    head = Text(title, style="bold", no_wrap=True, overflow="ellipsis")
    return Group(head, _rates(look, past, width), _hops(look.hops), *shards, *heading, *shown)


def _rates(look: Look, past: Sequence[Moment], width: int) -> Table:
    counts = look.counts
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=12, no_wrap=True)
    table.add_column(justify="right", min_width=9, no_wrap=True)
    table.add_column(justify="right", min_width=8, no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    bars = max(0, width - 38) if width >= _BARS_FROM_WIDTH else 0
    drawn: tuple[tuple[Counter, int, str], ...] = (
        ("published", look.published, "cyan"),
        ("decided", counts.decisions, "green"),
    )
    for name, total, colour in drawn:
        line = Text(bars_of(rates_of(past, name), bars), style=colour)
        table.add_row(name, f"{total:,}", f"{rate_of(past, name):,.0f}/s", line)
    why = _note("refused, each with its reasons")
    table.add_row("dead letters", f"{counts.refusals:,}", f"{rate_of(past, 'refused'):,.0f}/s", why)
    told = f"{counts.alerts_sent:,} told, {look.alerts_received:,} received"
    table.add_row("alerts", f"{counts.alerts:,}", f"{rate_of(past, 'alerts'):,.0f}/s", _note(told))
    table.add_row("lag", f"{look.lag_ms:,} ms", "", _system(look))
    return table


def _system(look: Look) -> Text:
    restarts = f", {look.restarts} restarts" if look.restarts else ""
    return _note(
        f"{len(look.shards)} shards/workers; Java {look.daemon}{restarts}", "dim" if look.daemon == "runs" else "red"
    )


def _note(text: str, style: str = "dim") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _hops(hops: Sequence[Hop]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=20, no_wrap=True)
    for _ in range(2):
        table.add_column(justify="right", min_width=7, no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_row(Text("latency by hop", style="bold"), Text("p50 ms", style="bold"), Text("p99 ms", style="bold"), "")
    for hop in hops:
        p50, p99 = ("-", "-") if hop.taken is None else map(_milliseconds, hop.taken)
        table.add_row(hop.name, p50, p99, _note(hop.note))
    return table


def _milliseconds(value: float) -> str:
    return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"  # noqa: PLR2004 - two digits are enough


def _shards(look: Look, width: int) -> Iterator[Text]:
    """One line a shard, and one for the rest of many."""
    for shard in look.shards[:_SHARDS_SHOWN]:
        yield _line(_shard(shard), width)
    if len(look.shards) > _SHARDS_SHOWN:
        yield _line(f"… and {len(look.shards) - _SHARDS_SHOWN} more shards", width)


def _shard(shard: Shard) -> str:
    return f"{shard.shard_id}  {shard.records:>9,} records  {shard.behind_ms:>6,} ms behind"


def _line(text: str, width: int) -> Text:
    return _note(printable(text)[:width])


def _alerts(alerts: Sequence[Alert], width: int, room: int) -> Iterator[Text]:
    """Yield whole alerts, as many as there is room for; the newest, if it alone has none, without its reasons' end."""
    for number, alert in enumerate(alerts):
        lines = list(_alert_lines(alert, width))
        if len(lines) > room and number:
            return
        yield from lines[: max(0, room)]
        room -= len(lines)


def _alert_lines(alert: Alert, width: int) -> Iterator[Text]:
    head = f"{alert.at:%H:%M:%S} {alert.summary} [{alert.transaction_id}]"
    style = _STYLES.get(alert.severity, "")
    for line in _wrapped(head, width, "", "         "):
        yield Text(line, style=style)
    for reason in alert.reasons:
        for line in _wrapped(reason, width, "       · ", "         "):
            yield Text(line)


def _wrapped(text: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(printable(text), width, initial_indent=first, subsequent_indent=later)


def rate_of(past: Sequence[Moment], counter: Counter) -> float:
    """Return what a counter grew by a second over the last looks; 0 with fewer than two."""
    latest = past[-_RATE_LOOKS - 1 :]
    return _rate(latest[0], latest[-1], counter) if len(latest) > 1 else 0.0


def rates_of(past: Sequence[Moment], counter: Counter) -> list[float]:
    """Return the growth a second between each two looks."""
    return [_rate(one, two, counter) for one, two in pairwise(past)]


def _rate(one: Moment, two: Moment, counter: Counter) -> float:
    grown, seconds = getattr(two, counter) - getattr(one, counter), (two.at - one.at).total_seconds()
    return grown / seconds if seconds > 0 else 0.0


def bars_of(values: Sequence[float], width: int) -> str:
    """Return the last `width` values as bars, the greatest of them the highest."""
    shown = values[-width:] if width else []
    top = max(shown, default=0.0)
    return "".join(
        _BARS[min(len(_BARS) - 1, int(max(0.0, value) / top * len(_BARS)))] if top > 0 else _BARS[0] for value in shown
    )
