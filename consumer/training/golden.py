"""Golden vectors: events with their past, from backfill's candidates, and what this machine answers to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from consumer.scoring.features import FeatureSet, Matrix
from consumer.scoring.golden import recompute
from consumer.scoring.manifest import Golden
from consumer.scoring.model import Model
from consumer.training.errors import TrainingRefused
from schemas.decode import InvalidRecord
from schemas.history import MerchantWindows, PastTransaction

GOLDEN_FILE = "golden.json"
_CHOSEN = 15
_LONGEST_PAST = 300
"""A longer one would make the manifest large and every start slow."""
_REMEDY = "Write the data anew with `fraudstream backfill` and this release."


class Candidate(BaseModel):
    """An event that may become a golden vector, with the past that its features were computed from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: dict[str, Any]
    past: tuple[PastTransaction, ...] = ()
    merchant: MerchantWindows | None = None
    features: tuple[float | None, ...] | None = None
    """What backfill computed; None for nothing to compare with."""


def read_candidates(folder: Path) -> list[Candidate]:
    """Return backfill's candidates; raises `TrainingRefused` if there are none or the file is not what it should be."""
    file = folder / GOLDEN_FILE
    try:
        candidates = [Candidate.model_validate(document) for document in json.loads(file.read_text())]
    except (OSError, ValueError, ValidationError) as error:
        raise TrainingRefused(f"{file} cannot be used ({str(error).splitlines()[0]})", _REMEDY) from error
    short = [candidate for candidate in candidates if len(candidate.past) <= _LONGEST_PAST]
    if not short:
        raise TrainingRefused(f"{file} holds no event with at most {_LONGEST_PAST} earlier ones", _REMEDY)
    return short


def check_candidates(candidates: Sequence[Candidate], feature_set: FeatureSet) -> None:
    """Raise `TrainingRefused` if this release computes other features than the data holds: it would train on what nobody serves."""
    for candidate in candidates:
        _recompute(candidate, feature_set)


def record_answers(candidates: Sequence[Candidate], feature_set: FeatureSet, model: Model) -> tuple[Golden, ...]:
    """Return golden vectors: steps from the lowest to the highest score, and the barest event there is."""
    features = np.concatenate([_recompute(candidate, feature_set) for candidate in candidates])
    answers = zip(candidates, features, model.probabilities(features), model.contributions(features), strict=True)
    golden = [_vector(candidate, row, float(p), c) for candidate, row, p, c in answers]
    golden.sort(key=lambda vector: vector.probability)
    steps = np.linspace(0, len(golden) - 1, min(_CHOSEN, len(golden))).astype(int).tolist()
    barest = min(range(len(golden)), key=lambda place: len(golden[place].event))
    return tuple(golden[place] for place in dict.fromkeys([*steps, barest]))


def _recompute(candidate: Candidate, feature_set: FeatureSet) -> Matrix:
    try:
        found = recompute(feature_set, _vector(candidate, np.empty(0), 0.0, np.empty(0)))
    except InvalidRecord as error:
        raise TrainingRefused(f"a golden candidate is not a valid event: {error.errors}", _REMEDY) from error
    if candidate.features is not None:
        held = np.array([[np.nan if value is None else value for value in candidate.features]], np.float32)
        if held.shape != found.shape or not np.array_equal(held, found, equal_nan=True):
            name = candidate.event.get("transaction_id")
            raise TrainingRefused(f"the data's features of event {name} are not those of this release", _REMEDY)
    return found


def _vector(candidate: Candidate, features: Any, probability: float, contributions: Any) -> Golden:
    return Golden(
        event=candidate.event,
        past=candidate.past,
        merchant=candidate.merchant,
        features=tuple(None if np.isnan(value) else value for value in features.tolist()),
        probability=probability,
        contributions=tuple(contributions.tolist()),
    )
