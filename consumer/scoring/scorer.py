"""The scorer: transactions in, everything that a decision says about them out. One call to the model for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from consumer.scoring.bundle import Bundle
from consumer.scoring.confidence import judge_confidences
from consumer.scoring.features import Matrix, Memory, MemoryTerms
from consumer.scoring.lists import list_reasons
from consumer.scoring.reasons import Explainer
from consumer.scoring.terms import Verdict
from schemas.decision import Confidence, Reason, RiskLevel
from schemas.transaction import Transaction


class UnusableScore(ArithmeticError):
    """The model answered something that is not between 0 and 1: the bundle or the features are broken."""


class Scored(NamedTuple):
    """The model's and the policy's part of one decision."""

    features: bytes
    """The vector that was scored: float32 little-endian in the feature set's order, NaN for missing."""
    score: float
    """P(fraud), a float that float32 represents exactly."""
    classification: int
    risk_level: RiskLevel
    confidence: Confidence
    reasons: tuple[Reason, ...] | None
    """The list's if one decided, then the model's, greatest first, at most three; None where nothing alerts or was kept from it."""
    alerts: bool
    threshold: float


class MadeBy(NamedTuple):
    """What decided, as it stands on every decision."""

    model_version: str
    policy_version: str
    feature_set: str


_scored = partial(tuple.__new__, Scored)


class Scorer:
    """Scores with one bundle. Holds no state between calls: equal transactions with an equal past get equal bits, in any batch."""

    def __init__(self, bundle: Bundle) -> None:
        self.model_version = bundle.manifest.model_version
        self.policy_version = bundle.policy.version
        self.feature_set = bundle.feature_set.name
        self.reason_method = bundle.manifest.reason_method
        self._bundle = bundle
        self._explainer = Explainer(bundle.feature_set.names, bundle.manifest.baseline)

    @property
    def made_by(self) -> MadeBy:
        """What stands on every decision."""
        return MadeBy(self.model_version, self.policy_version, self.feature_set)

    def new_memory(self, terms: MemoryTerms | None = None) -> Memory:
        """Return an empty memory for one shard, which wants no past unless the features need one."""
        return Memory(terms, is_used=self._bundle.feature_set.needs_memory)

    def score(self, transactions: Sequence[Transaction], memory: Memory | None = None) -> Sequence[Scored]:
        """Return one `Scored` per transaction, in their order; [] for none.

        Without a memory nobody has a past. Raises `UnusableScore`, and `NotLoaded` where the memory lacks a past; touches neither disk
        nor clock.
        """
        if not transactions:
            return []
        return self.score_vectors(self._bundle.feature_set.compute(transactions, memory), transactions)

    def score_vectors(self, features: Matrix, transactions: Sequence[Transaction]) -> Sequence[Scored]:
        """Return one `Scored` per row of `features` [N, F] and transaction: what is left to do when the vectors are known, N > 0."""
        probabilities = self._run(features)
        scores = cast("list[float]", probabilities.tolist())
        verdicts = self._bundle.policy.judge_all(scores, transactions)
        reasons = self._explain(features, verdicts)
        confidences = judge_confidences(probabilities, np.isnan(features).mean(axis=1))
        packed, width = features.astype("<f4", copy=False).tobytes(), 4 * features.shape[1]
        vectors = [packed[start : start + width] for start in range(0, len(packed), width)]
        return [
            _scored((vector, score, judged[0], judged[1], confidence, reasons.get(row), judged[2], judged[3]))
            for row, (vector, score, judged, confidence) in enumerate(
                zip(vectors, scores, verdicts, confidences, strict=True)
            )
        ]

    def _run(self, features: Matrix) -> npt.NDArray[np.float32]:
        probabilities = self._bundle.model.probabilities(features)
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise UnusableScore(f"model {self.model_version} answered scores outside 0 to 1: roll the bundle back")
        return probabilities

    def _explain(self, features: Matrix, verdicts: Sequence[Verdict]) -> dict[int, tuple[Reason, ...]]:
        rows = [row for row, verdict in enumerate(verdicts) if verdict.alerts or verdict.listed]
        if not rows:
            return {}
        chosen = features[rows]
        pairs = zip(chosen.tolist(), self._bundle.model.contributions(chosen).tolist(), strict=True)
        explained = (self._explainer.explain(*pair) for pair in pairs)
        return {row: (*list_reasons(verdicts[row].listed), *found) for row, found in zip(rows, explained, strict=True)}
