"""Events that a model's bundle may carry as golden vectors: with the past that they saw and the features that came of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from consumer.backfill.journal import Journal
from consumer.backfill.mapping import REQUIRED
from consumer.scoring.features import FeatureSet, Matrix
from schemas.decode import InvalidRecord, Unknown, decode
from schemas.history import NEWEST, MerchantWindows, PastTransaction, past_of
from schemas.transaction import Transaction

GOLDEN_FILE = "golden.json"
_STEPS = 36
_STEPS_A_PATTERN = 8
"""Enough of each that a good model is sure of one."""
_REACH_MS = 30 * 86_400_000
"""What lies further back no feature sees."""


def choose_golden(journal: Journal, order: npt.NDArray[np.int64]) -> list[int]:
    """Return the numbers of a few dozen events of the last half: evenly spaced, some of each pattern, and the barest."""
    half = order[len(order) // 2 :].tolist()
    if not half:
        return []
    patterns: dict[str, list[int]] = {}
    for number in half:
        if (pattern := journal.pattern(number)) is not None:
            patterns.setdefault(pattern, []).append(number)
    frauds = (number for numbers in patterns.values() for number in _spread(numbers, _STEPS_A_PATTERN))
    barest = min(half, key=journal.size_bytes)
    return sorted({*_spread(half, _STEPS), *frauds, barest})


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    return [numbers[at] for at in np.linspace(0, len(numbers) - 1, count).astype(int).tolist()]


class Golden:
    """Watches the run go by and writes down the chosen events as they come. Those that turn out refused or repeated are left out."""

    def __init__(self, numbers: Iterable[int], events: Iterable[bytes]) -> None:
        self._events = dict(zip(numbers, events, strict=True))
        self._past: dict[str, list[PastTransaction]] = {}
        for event in self._events.values():
            if (user_id := _user_of(event)) is not None:
                self._past[user_id] = []
        self._written: list[dict[str, Any]] = []

    def watch(
        self, number: int, transaction: Transaction, event_ms: int, merchant: MerchantWindows | None, vector: Matrix
    ) -> None:
        """Look at an accepted event, in the run's order."""
        past = self._past.get(transaction.user_id)
        if past is None:
            return
        if number in self._events:
            self._written.append(_record(self._events[number], _reached(past, event_ms), merchant, vector))
        past.append(past_of(transaction))

    def is_watching(self, transaction: Transaction) -> bool:
        """Whether `watch` wants to see this event."""
        return transaction.user_id in self._past

    def add_bare(self, feature_set: FeatureSet) -> None:
        """Add the last event once more with nothing but its required fields, and without a past."""
        if self._written:
            event = {name: self._written[-1]["event"][name] for name in REQUIRED}
            text = msgspec.json.encode(event)
            vector = feature_set.compute([decode(text, Unknown())])[0]
            self._written.append(_record(text, (), None, vector))

    def write(self, path: Path) -> int:
        """Write the file, a JSON array in the form of the manifest's golden vectors; return how many there are."""
        path.write_bytes(b"[\n" + b",\n".join(map(msgspec.json.encode, self._written)) + b"\n]\n")
        return len(self._written)


def _user_of(event: bytes) -> str | None:
    try:
        return decode(event, Unknown()).user_id
    except InvalidRecord:
        return None


def _reached(past: Iterable[PastTransaction], event_ms: int) -> list[PastTransaction]:
    newest = sorted(past, key=lambda row: (row.event_ms, row.transaction_id))[-NEWEST:]
    return [row for row in newest if row.event_ms >= event_ms - _REACH_MS]


def _record(
    event: bytes, past: Sequence[PastTransaction], merchant: MerchantWindows | None, vector: Matrix
) -> dict[str, Any]:
    return {
        "event": msgspec.json.decode(event),
        "past": [tuple(row) for row in past],
        "merchant": None if merchant is None else merchant._asdict(),
        "features": [None if math.isnan(value) else value for value in vector.tolist()],
    }
