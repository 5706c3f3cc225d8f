"""Labelled events as the model will see them: decoded and turned into features by the stream's own code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from consumer.scoring.features import FeatureSet, Matrix
from consumer.training.metrics import Labels
from schemas.decode import Unknown, decode


class LabelledEvent(Protocol):
    """An event that is ready for JSON, with its true label and the pattern of its fraud."""

    @property
    def event(self) -> dict[str, Any]:
        """The event as it would be published."""

    @property
    def is_fraud(self) -> bool:
        """The truth."""

    @property
    def pattern(self) -> str | None:
        """The fraud's kind, None for a genuine event."""


@dataclass(frozen=True)
class Dataset:
    """N events in the order of their event time; all four parts have that order."""

    events: list[dict[str, Any]]
    features: Matrix
    labels: Labels
    patterns: tuple[str | None, ...]

    def split(self, share: float) -> tuple[Dataset, Dataset]:
        """Return the first `share` of the events and the rest: never a random split, which would let the future leak in."""
        cut = int(len(self.events) * share)
        return self._part(slice(None, cut)), self._part(slice(cut, None))

    def _part(self, rows: slice) -> Dataset:
        return Dataset(self.events[rows], self.features[rows], self.labels[rows], self.patterns[rows])


def materialise(labelled: Iterable[LabelledEvent], feature_set: FeatureSet) -> Dataset:
    """Return the events as a data set, sorted by event time (equal times keep their order).

    Raises `schemas.decode.InvalidRecord` for an event that the stream would refuse: such a source is not fit for training.
    """
    pairs = [(decode(json.dumps(item.event).encode(), Unknown()), item) for item in labelled]
    pairs.sort(key=lambda pair: pair[0].event_time)
    return Dataset(
        [item.event for _, item in pairs],
        feature_set.compute([transaction for transaction, _ in pairs]),
        np.array([item.is_fraud for _, item in pairs], np.bool_),
        tuple(item.pattern for _, item in pairs),
    )
