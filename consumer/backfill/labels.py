"""What is known of the truth, and since when: from a file of labels, or from a column of the events with a constant delay."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from consumer.backfill.columns import texts
from consumer.backfill.errors import BackfillError
from consumer.backfill.mapping import ColumnMapping
from consumer.backfill.sources import read_rows
from consumer.backfill.values import moment_reader
from schemas.history import LABEL_DELAY_DAYS
from schemas.timestamps import parse_timestamp

_COLUMNS = ("transaction_id", "is_fraud", "reported_at", "source", "pattern")
_YES, _NO = frozenset({"true", "1", "t", "yes"}), frozenset({"false", "0", "f", "no"})
NOT_SAID, NEVER_MS = -1, -(1 << 62)
"""`NEVER_MS`: no time was reported; the events' own time and the usual delay stand in for it."""


class Label(NamedTuple):
    """The truth about one transaction: 1 fraud, 0 genuine, -1 unknown; known since, in ms since 1970; the fraud's kind."""

    fraud: int
    known_ms: int
    pattern: str | None = None


NO_LABEL = Label(NOT_SAID, NEVER_MS)


class LabelBook:
    """Labels by transaction id. The first report of each source wins; among sources, fraud wins over genuine, then the earliest."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._frauds, self._known_ms = array("b"), array("q")
        self._patterns: list[str | None] = []

    def __len__(self) -> int:
        return len(self._rows)

    def place(self, transaction_id: str) -> int:
        """Return where the label stands in the book, -1 if there is none."""
        return self._rows.get(transaction_id, -1)

    def at(self, place: int) -> Label:
        """Return the label at a place, `NO_LABEL` for -1."""
        return NO_LABEL if place < 0 else Label(self._frauds[place], self._known_ms[place], self._patterns[place])

    def put(self, transaction_id: str, label: Label) -> None:
        """Take the verdict of one more source."""
        row = self._rows.get(transaction_id)
        if row is None:
            self._rows[transaction_id] = len(self._frauds)
            self._frauds.append(label.fraud)
            self._known_ms.append(label.known_ms)
            self._patterns.append(label.pattern)
        elif (-label.fraud, label.known_ms) < (-self._frauds[row], self._known_ms[row]):
            self._frauds[row], self._known_ms[row] = label.fraud, label.known_ms
            self._patterns[row] = label.pattern or self._patterns[row]


class Knowledge(NamedTuple):
    """What a run knows of fraud: labels, which features may learn of once they are known, and the truth, which they never see.

    Without `labels` those of the events' own column count. `delay_ms`: after the event, where no time was reported.
    """

    labels: LabelBook | None = None
    truth: LabelBook | None = None
    delay_ms: int = LABEL_DELAY_DAYS * 86_400_000


def read_labels(files: Iterable[Path]) -> LabelBook:
    """Return the labels in files of transaction_id, is_fraud and, if there are, reported_at, source and pattern.

    A label counts as known when it was reported. Raises BackfillError, which names file and row.
    """
    book = LabelBook()
    first: dict[tuple[str, str], Label] = {}
    for path in files:
        for transaction_id, source, label in _reports(path):
            if source is None:
                book.put(transaction_id, label)
            elif (earlier := first.get((transaction_id, source))) is None or label.known_ms < earlier.known_ms:
                first[transaction_id, source] = label
    for (transaction_id, _), label in first.items():
        book.put(transaction_id, label)
    return book


def _reports(path: Path) -> Iterator[tuple[str, str | None, Label]]:
    def choose(available: list[str]) -> Sequence[str]:
        for name in _COLUMNS[:2]:
            if name not in available:
                raise BackfillError(
                    f"{path}: labels need the columns transaction_id and is_fraud; it has {', '.join(available)}"
                )
        return [name for name in _COLUMNS if name in available]

    as_moment = moment_reader(_TERMS.timestamp)
    for numbers, columns, broken in read_rows(path, choose, _TERMS):
        for number, why in broken:
            raise BackfillError(f"{path}, row {number}: {why}")
        blank: list[None] = [None] * len(numbers)
        parts = {name: columns.get(name, blank) for name in _COLUMNS}
        moments = [as_moment(value) for value in parts["reported_at"]]
        ids, verdicts = texts(parts["transaction_id"]), texts(parts["is_fraud"])
        rows = zip(numbers, ids, verdicts, moments, texts(parts["source"]), texts(parts["pattern"]), strict=True)
        for number, transaction_id, verdict, moment, source, pattern in rows:
            try:
                yield _id(transaction_id), source, Label(_fraud(verdict), _known_ms(moment), pattern)
            except ValueError as error:
                raise BackfillError(f"{path}, row {number}: {error}") from None


_TERMS = ColumnMapping(columns={name: name for name in ("transaction_id", "timestamp", "user_id", "amount")})
"""Labels are written as ours are: no mapping, times in RFC 3339 or as columns of times."""


def _id(text: str | None) -> str:
    if not text:
        raise ValueError("a label needs a transaction_id")
    return text


def _fraud(text: str | None) -> int:
    said = (text or "").lower()
    if said not in _YES | _NO:
        raise ValueError(f"is_fraud is {text!r}; write true or false")
    return int(said in _YES)


def _known_ms(moment: str | None) -> int:
    return NEVER_MS if moment is None else to_ms(parse_timestamp(moment))


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970 of an aware time that is in milliseconds."""
    return round(moment.timestamp() * 1000)
