"""All events of a run, as JSON texts in one file on disk; in memory only, per event, when it was, where it stands and its label.

So that history of any size can be put in the order of its event time.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
import numpy as np
import numpy.typing as npt

from consumer.backfill.labels import NEVER_MS, NO_LABEL, NOT_SAID, Knowledge, Label, to_ms
from consumer.backfill.sources import Piece
from schemas.decode import InvalidRecord, Unknown, decode
from schemas.timestamps import parse_timestamp

_GENUINE = Label(0, NEVER_MS)
_Longs = npt.NDArray[np.int64]


class _Head(msgspec.Struct):
    transaction_id: str
    timestamp: str


_decode_head = msgspec.json.Decoder(_Head).decode


class Origin(NamedTuple):
    """Where an event came from: its file's place among the sources, and its row (JSON: line) from 1."""

    file: int
    row: int


class Journal:
    """Written once, a piece at a time; then read in any order. Events are numbered from 0 in the order of the files."""

    def __init__(self, path: Path, knowledge: Knowledge) -> None:
        self._path, self._knowledge = path, knowledge
        self._file = path.open("wb")
        self._offsets, self._times = array("q", [0]), array("q")
        self._id_hashes = array("q")
        self._files, self._rows = array("l"), array("q")
        self._label_places, self._truth_places, self._frauds = array("l"), array("l"), array("b")
        self._patterns, self._pattern_codes = _Words(), array("l")
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._map is not None:
            self._map.close()
        self._path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._times)

    def append(self, file: int, piece: Piece) -> None:
        """Take the events of a piece of that file."""
        self._file.write(b"".join(piece.events))
        offset = self._offsets[-1]
        for event in piece.events:
            offset += len(event)
            self._offsets.append(offset)
            self._note_head(event)
        self._files.extend([file] * len(piece.events))
        self._rows.extend(piece.numbers)
        self._note_columns(piece)

    def _note_head(self, event: bytes) -> None:
        """Note id and time. Of an event that cannot be read the time of the one before: it keeps its place, to be refused there."""
        try:
            head = _decode_head(event)
            transaction_id, moment = head.transaction_id, parse_timestamp(head.timestamp)
        except (ValueError, RecursionError):
            try:
                transaction_id, moment, *_ = decode(event, Unknown())
            except InvalidRecord:
                self._note("", self._times[-1] if self._times else 0)
                return
        self._note(transaction_id, to_ms(moment))

    def _note(self, transaction_id: str, event_ms: int) -> None:
        self._times.append(event_ms)
        self._id_hashes.append(hash(transaction_id))
        labels, truth = self._knowledge.labels, self._knowledge.truth
        if labels is not None:
            self._label_places.append(labels.place(transaction_id))
        if truth is not None:
            self._truth_places.append(truth.place(transaction_id))

    def _note_columns(self, piece: Piece) -> None:
        count = len(piece.events)
        self._frauds.extend(piece.frauds or [NOT_SAID] * count)
        self._pattern_codes.extend(map(self._patterns.code, piece.patterns or [None] * count))

    def close(self) -> None:
        """End the writing; reading may begin. An empty journal has nothing to read."""
        self._file.close()
        if self._offsets[-1]:
            with self._path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def order(self, *, as_arrived: bool) -> _Longs:
        """Return the events' numbers by event time, ties in the order of the files; or simply in that order."""
        if as_arrived:
            return np.arange(len(self), dtype=np.int64)
        return (
            np.argsort(np.frombuffer(self._times, np.int64), kind="stable").astype(np.int64) if self._times else _NONE
        )

    def repeated(self) -> npt.NDArray[np.bool_]:
        """Return which events may share their transaction id with another; all that do are among them."""
        if not self._id_hashes:
            return np.zeros(0, np.bool_)
        hashes = np.frombuffer(self._id_hashes, np.int64)
        order = np.argsort(hashes, kind="stable")
        is_same = np.diff(hashes[order]) == 0
        found = np.zeros(len(hashes), np.bool_)
        found[order[1:][is_same]] = found[order[:-1][is_same]] = True
        return found

    def events(self, numbers: Iterable[int]) -> list[bytes]:
        """Return the texts of these events."""
        text, offsets = self._map, self._offsets
        return [] if text is None else [text[offsets[n] : offsets[n + 1]] for n in numbers]

    def size_bytes(self, number: int) -> int:
        """Return the length of an event's text."""
        return self._offsets[number + 1] - self._offsets[number]

    def label(self, number: int) -> Label:
        """Return the event's label; without a reported time it became known the delay after the event."""
        knowledge, book = self._knowledge, self._knowledge.labels
        label = self._label_of_column(number) if book is None else book.at(self._label_places[number])
        if label.fraud == NOT_SAID or label.known_ms != NEVER_MS:
            return label
        return Label(label.fraud, self._times[number] + knowledge.delay_ms, label.pattern)

    def _label_of_column(self, number: int) -> Label:
        fraud = self._frauds[number]
        if fraud == NOT_SAID:
            return NO_LABEL
        return Label(fraud, NEVER_MS, self._patterns.word(self._pattern_codes[number]) if fraud else None)

    def truth(self, number: int) -> Label:
        """Return the truth about the event, `NO_LABEL` where no file of it was given; what that does not name is genuine."""
        truth = self._knowledge.truth
        if truth is None:
            return NO_LABEL
        place = self._truth_places[number]
        return truth.at(place) if place >= 0 else _GENUINE

    def pattern(self, number: int) -> str | None:
        """Return the fraud's kind, by the truth if it says."""
        return self.truth(number).pattern or self.label(number).pattern

    def event_ms(self, number: int) -> int:
        """Return the event's time, in ms since 1970."""
        return self._times[number]

    def origin(self, number: int) -> Origin:
        """Return where the event came from."""
        return Origin(self._files[number], self._rows[number])


_NONE: _Longs = np.zeros(0, np.int64)


class _Words:
    """Few different words as small numbers."""

    def __init__(self) -> None:
        self._words: list[str | None] = [None]
        self._codes: dict[str | None, int] = {None: 0}

    def code(self, word: str | None) -> int:
        code = self._codes.get(word)
        if code is None:
            code = self._codes[word] = len(self._words)
            self._words.append(word)
        return code

    def word(self, code: int) -> str | None:
        return self._words[code]
