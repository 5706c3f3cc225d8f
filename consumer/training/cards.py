"""Card precision at 100: of the cards that an analyst would look at each day, how many are truly compromised. Pure."""

from __future__ import annotations

import numpy as np

from consumer.training.dataset import DAY_MS, Dataset
from consumer.training.metrics import Labels, Scores
from consumer.training.periods import Period

TOP_CARDS = 100
NEW_CARD_DAYS = 30
"""Who stands for their card, as events name none, has a new one so long after a fraud became known: else few users would be left."""


def measure_card_precision(dataset: Dataset, period: Period, scores: Scores) -> float:
    """Return the mean over the days of `period` (UTC) of card precision at 100.

    `scores` are those of the period's rows. A card's score is its highest of the day; it is compromised if one of its events that day
    is fraud (give the labels as scores for what the perfect ranking would reach). Cards with a fraud whose label was known before the
    day began are left out, as they are blocked by then; where users stand for cards, for `NEW_CARD_DAYS` after the label. A day with
    fewer than 100 cards is divided by their number. Equal scores are taken in the order of the cards' numbers. NaN without a day.
    After Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, chapter 4 (top-k card precision).
    """
    rows = dataset.rows(period.start_ms, period.end_ms)
    blocked = _Blocked(dataset)
    starts = range(period.start_ms, period.end_ms, DAY_MS)
    days = [
        _measure_day(dataset, dataset.rows(start, start + DAY_MS), rows.start, scores, blocked.at(start))
        for start in starts
    ]
    found = [precision for precision in days if precision is not None]
    return float(np.mean(found)) if found else float("nan")


class _Blocked:
    """Which cards' compromise was known when."""

    def __init__(self, dataset: Dataset) -> None:
        frauds = dataset.is_fraud & (dataset.cards >= 0)
        self._cards, self._known_ms = dataset.cards[frauds], dataset.known_ms[frauds]
        self._count = int(dataset.cards.max(initial=-1)) + 1
        self._lasts_ms = np.iinfo(np.int64).max if dataset.has_cards else NEW_CARD_DAYS * DAY_MS

    def at(self, start_ms: int) -> Labels:
        """Return, for every card's number, whether it is blocked when the day begins."""
        age_ms = start_ms - self._known_ms
        is_blocked = np.zeros(self._count, np.bool_)
        is_blocked[self._cards[(age_ms > 0) & (age_ms <= self._lasts_ms)]] = True
        return is_blocked


def _measure_day(dataset: Dataset, rows: slice, offset: int, scores: Scores, is_blocked: Labels) -> float | None:
    cards = dataset.cards[rows]
    kept = (cards >= 0) & ~is_blocked[cards]
    if not kept.any():
        return None
    _, places = np.unique(cards[kept], return_inverse=True)
    count = int(places.max()) + 1
    highest, is_compromised = np.full(count, -np.inf), np.zeros(count, np.bool_)
    np.maximum.at(highest, places, scores[rows.start - offset : rows.stop - offset][kept])
    np.logical_or.at(is_compromised, places, dataset.truth[rows][kept])
    return float(is_compromised[np.argsort(-highest, kind="stable")[:TOP_CARDS]].mean())
