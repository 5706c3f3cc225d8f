"""Scores a stored decision again, from the vector that the ledger kept, and says what differs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from consumer.scoring.bundle import Bundle
from consumer.scoring.features import FeatureSet, Matrix
from consumer.scoring.golden import TOLERANCE
from consumer.scoring.scorer import Scored, Scorer
from schemas.content import content_hash
from schemas.decision import Decision, Reason
from schemas.transaction import Transaction


class Difference(NamedTuple):
    """One thing that is not as it was stored."""

    what: str
    stored: str
    now: str


@dataclass(frozen=True)
class Rescored:
    """What the bundle says of the stored vector now; `differences` is empty where the decision is reproduced."""

    scored: Scored
    score_is_bit_equal: bool
    differences: tuple[Difference, ...]


def transaction_of(decision: Decision) -> Transaction:
    """Return the event's facts as they were decided."""
    return Transaction._make(decision[: len(Transaction._fields)])


def vector_of(decision: Decision) -> Matrix:
    """Return the stored vector, shape [1, F], NaN for missing."""
    return np.frombuffer(decision.features, "<f4").astype(np.float32).reshape(1, -1)


def rescore(decision: Decision, bundle: Bundle) -> Rescored:
    """Score the stored vector with the bundle that decided, model and policy, and compare everything that follows from it.

    Compared bit for bit: the hash of the event, the features that follow from the event alone, classification, level and confidence.
    Score and contributions may be off by `TOLERANCE`, as another CPU or ONNX Runtime has it. The features of the past are taken as
    they were stored: the past is not what it was. Raises ValueError where the vector is not one of the bundle's feature set.
    """
    vector, feature_set = vector_of(decision), bundle.feature_set
    if decision.feature_set != feature_set.name or vector.shape[1] != len(feature_set.names):
        raise ValueError(f"the vector is one of {decision.feature_set}, the bundle's is {feature_set.name}")
    [scored] = Scorer(bundle).score_vectors(vector, [transaction_of(decision)])
    found = (*_event_differences(decision, vector, feature_set), *_verdict_differences(decision, scored))
    return Rescored(scored, scored.score == decision.score, found)


def _event_differences(decision: Decision, vector: Matrix, feature_set: FeatureSet) -> Iterator[Difference]:
    transaction = transaction_of(decision)
    now = content_hash(transaction[2:-1]).hex()
    if now != decision.content_hash.hex():
        yield Difference("content hash", decision.content_hash.hex(), now)
    width = feature_set.event_width
    computed = feature_set.compute([transaction])[:, :width]
    for column in np.flatnonzero(computed.view(np.uint32) != vector[:, :width].copy().view(np.uint32)):
        yield Difference(feature_set.names[column], f"{vector[0, column]:.9g}", f"{computed[0, column]:.9g}")


def _verdict_differences(decision: Decision, scored: Scored) -> Iterator[Difference]:
    if abs(scored.score - decision.score) > TOLERANCE:
        yield Difference("score", f"{decision.score:.9g}", f"{scored.score:.9g}")
    for name in ("classification", "risk_level", "confidence"):
        stored, now = getattr(decision, name), getattr(scored, name)
        if stored != now:
            yield Difference(name.replace("_", " "), str(stored), str(now))
    if not _are_equal(decision.reasons or (), scored.reasons or ()):
        yield Difference("reasons", _told(decision.reasons), _told(scored.reasons))


def _are_equal(stored: tuple[Reason, ...], now: tuple[Reason, ...]) -> bool:
    return [one[:2] for one in stored] == [one[:2] for one in now] and all(
        abs(one.contribution - other.contribution) <= TOLERANCE for one, other in zip(stored, now, strict=True)
    )


def _told(reasons: tuple[Reason, ...] | None) -> str:
    return ", ".join(f"{reason.code} {reason.contribution:+.6f}" for reason in reasons or ()) or "none"
