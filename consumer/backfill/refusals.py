"""Rows that are no events: counted by reason, the first few told, all written down, and too many of them end the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from consumer.backfill.errors import TooManyRefused
from consumer.backfill.journal import Origin
from schemas.dead_letter import FieldError

REFUSED_FILE = "refused.jsonl"
_SHOWN, _SHOWN_ALIKE = 8, 2
"""How many refused rows are told, and how many of them for one and the same cause."""
_HINTS = {
    "two decimals": "amounts may be rounded: [amount] round = 2 in the mapping file",
    "RFC 3339": "times may be written otherwise: [timestamp] format or unit in the mapping file says how",
    "looks_like_card_number": "card numbers have no place here: map a token, or no card_id; as user_id it may stand",
}
"""What a mapping can do about it, by a part of the reason told."""


class Refusals:
    """Writes refused.jsonl: source, row, reason and field errors, never the row itself, which may hold card numbers."""

    def __init__(self, path: Path, sources: Sequence[Path], allowed_share: float) -> None:
        self._file = path.open("wb")
        self._sources, self._allowed_share = sources, allowed_share
        self.by_reason: Counter[str] = Counter()
        self._first: list[str] = []
        self._shown: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def count(self) -> int:
        """How many were refused."""
        return self.by_reason.total()

    def refuse(self, origin: Origin, reason: str, errors: Sequence[FieldError] = ()) -> None:
        """Write down one row."""
        source = str(self._sources[origin.file])
        told = [{"field": error.field, "message": error.message} for error in errors]
        self._file.write(
            msgspec.json.encode({"source": source, "row": origin.row, "reason": reason, "errors": told}) + b"\n"
        )
        self.by_reason[reason] += 1
        if len(self._first) < _SHOWN:
            details = "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors)
            self._show(f"{source}, row {origin.row}", f"{reason}{f' ({details})' if details else ''}")

    def _show(self, place: str, cause: str) -> None:
        self._shown[cause] += 1
        if self._shown[cause] <= _SHOWN_ALIKE:
            self._first.append(f"{place}: {cause}")

    def check(self, rows: int) -> None:
        """Raise TooManyRefused if more than the allowed share of `rows` was refused."""
        if self.count > self._allowed_share * rows:
            raise TooManyRefused("\n".join(self.lines(rows)))

    def lines(self, rows: int) -> Iterator[str]:
        """Yield what a person should know of the refused rows; nothing if there are none."""
        if not self.count:
            return
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.by_reason.most_common())
        yield f"{self.count:,} of {rows:,} rows refused: {reasons}"
        yield from (f"  {line}" for line in self._first)
        yield from (f"  {hint}" for sign, hint in _HINTS.items() if any(sign in line for line in self._first))
        if self.count > self._allowed_share * rows:
            yield f"more than {100 * self._allowed_share:g} % of the rows: stopped there, and nothing is written;"
            yield "mend the file or its mapping, or allow more with --allow-refused"
