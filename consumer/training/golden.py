"""Which events become golden vectors: the ends of the scale, steps between, each kind of fraud, and the barest event there is."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from consumer.scoring.features import FeatureSet
from consumer.scoring.manifest import Golden
from consumer.scoring.model import Model
from consumer.training.dataset import Dataset
from consumer.training.metrics import Scores
from schemas.decode import Unknown, decode

_REQUIRED = ("transaction_id", "timestamp", "user_id", "amount")
_STEPS = 7


def choose_events(held_out: Dataset, scores: Scores) -> list[dict[str, Any]]:
    """Return about a dozen events in a fixed order; the last one has its required fields only."""
    order = np.argsort(scores, kind="stable")
    steps = order[np.linspace(0, len(order) - 1, _STEPS).astype(int)].tolist()
    kinds = sorted({pattern for pattern in held_out.patterns if pattern})
    rows = dict.fromkeys([*steps, *(held_out.patterns.index(kind) for kind in kinds)])
    bare = {name: held_out.events[steps[-1]][name] for name in _REQUIRED}
    return [*(held_out.events[row] for row in rows), bare]


def record_answers(events: list[dict[str, Any]], feature_set: FeatureSet, model: Model) -> tuple[Golden, ...]:
    """Return the events with the features and answers of this machine."""
    features = feature_set.compute([decode(json.dumps(event).encode(), Unknown()) for event in events])
    rows = zip(events, features, model.probabilities(features), model.contributions(features), strict=True)
    return tuple(
        Golden(
            event=event,
            features=tuple(None if math.isnan(value) else value for value in vector.tolist()),
            probability=float(probability),
            contributions=tuple(contributions.tolist()),
        )
        for event, vector, probability, contributions in rows
    )
