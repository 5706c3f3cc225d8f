"""The table at the end: per kind of fault how often it struck and how long recovery took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from consumer.chaos.engine import Outcome, Strike


class KindSummary(NamedTuple):
    """Seconds to recovery, from the fault and (None where it does not last) from its end: least, median, most."""

    kind: str
    sign: str
    strikes: int
    from_fault_s: tuple[float, float, float]
    from_end_s: tuple[float, float, float] | None


def summarise(outcomes: Iterable[Outcome]) -> list[KindSummary]:
    """Return one summary a kind, in the order of their names."""
    by_kind: dict[str, list[Strike]] = {}
    for outcome in outcomes:
        for strike in outcome.strikes:
            by_kind.setdefault(strike.kind, []).append(strike)
    return [_summary(kind, strikes) for kind, strikes in sorted(by_kind.items())]


def table(summaries: Sequence[KindSummary]) -> list[str]:
    """Return the lines of a table for a person: least / median / most, in seconds."""
    heads = ("fault", "sign", "struck", "from the fault s", "from its end s")
    rows = [heads, *((s.kind, s.sign, str(s.strikes), _told(s.from_fault_s), _told(s.from_end_s)) for s in summaries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"  {line.rstrip()}" for line in padded]


def _summary(kind: str, strikes: Sequence[Strike]) -> KindSummary:
    from_end = [strike.from_end_s for strike in strikes if strike.from_end_s is not None]
    spread_end = _spread(from_end) if from_end else None
    return KindSummary(kind, strikes[0].sign, len(strikes), _spread([s.from_fault_s for s in strikes]), spread_end)


def _spread(seconds: Sequence[float]) -> tuple[float, float, float]:
    return round(min(seconds), 1), round(median(seconds), 1), round(max(seconds), 1)


def _told(spread: tuple[float, float, float] | None) -> str:
    return "-" if spread is None else " / ".join(f"{seconds:.1f}" for seconds in spread)
