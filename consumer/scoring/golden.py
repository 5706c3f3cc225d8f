"""Golden vectors: proof that this machine computes what the maker's did, from the event's JSON to the last bit of the score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from consumer.scoring.features import FeatureSet, Matrix, Memory
from consumer.scoring.manifest import Golden, Manifest
from consumer.scoring.model import Model
from consumer.scoring.runtime import current_runtime
from schemas.decode import InvalidRecord, Unknown, decode
from schemas.history import MerchantHour, MerchantWindows, PastTransaction
from schemas.transaction import Transaction

TOLERANCE = 1e-6
"""How far a probability or a contribution may be off on another CPU or ONNX Runtime than the maker's."""


class GoldenMismatch(Exception):
    """An answer differs from the recorded one; `remedy` says what to do about it."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.remedy = remedy


def verify_golden(manifest: Manifest, feature_set: FeatureSet, model: Model) -> None:
    """Raise `GoldenMismatch` unless events give the recorded features, and features the recorded answers in any batch.

    Features are compared bit for bit on every machine; answers bit for bit where the runtime's fingerprint is the maker's, within
    `TOLERANCE` elsewhere. A row scored alone must equal the row scored in the batch bit for bit everywhere.
    """
    features = _check_shapes(manifest)
    _verify_features(manifest, feature_set, features)
    probabilities, contributions = model.probabilities(features), model.contributions(features)
    _verify_batches(model, features, probabilities)
    _compare(manifest, "probability", probabilities, manifest.golden_probabilities())
    _compare(manifest, "contributions", contributions, manifest.golden_contributions())


def read_event(golden: Golden) -> Transaction:
    """Return the transaction of a golden event; raises `InvalidRecord` if it is none."""
    return decode(json.dumps(golden.event).encode(), Unknown())


def recompute(feature_set: FeatureSet, golden: Golden) -> Matrix:
    """Return the features of a golden event and its past by this release, shape [1, F]; raises `InvalidRecord`."""
    return feature_set.compute([read_event(golden)], Memory(past=_GoldenPast(golden)))


@dataclass(frozen=True)
class _GoldenPast:
    """See `consumer.scoring.features.memory.Past`: one event asks, so there is one user and one merchant."""

    golden: Golden

    def history(self, user_id: str) -> Sequence[PastTransaction]:
        del user_id
        return self.golden.past

    def merchant(self, asked: MerchantHour) -> MerchantWindows:
        del asked
        return self.golden.merchant or MerchantWindows((0, 0, 0), (0, 0, 0))


def _check_shapes(manifest: Manifest) -> Matrix:
    for index, golden in enumerate(manifest.golden):
        if not len(golden.features) == len(golden.contributions) == len(manifest.features):
            cause = f"golden vector {index} has not one value per feature"
            raise GoldenMismatch(cause, "Export the bundle again.")
    return manifest.golden_features()


def _verify_features(manifest: Manifest, feature_set: FeatureSet, expected: Matrix) -> None:
    try:
        computed = np.concatenate([recompute(feature_set, golden) for golden in manifest.golden])
    except InvalidRecord as error:
        raise GoldenMismatch(f"a golden event is not valid: {error.errors}", "Export the bundle again.") from error
    wrong = np.argwhere(computed.view(np.uint32) != expected.view(np.uint32))
    if len(wrong):
        row, column = wrong[0]
        cause = f"golden event {row} gives {manifest.features[column]} = {computed[row, column]}, not {expected[row, column]}"
        remedy = (
            "The features' code changed: give the set a new name and train again, or deploy the release of the bundle."
        )
        raise GoldenMismatch(cause, remedy)


def _verify_batches(model: Model, features: Matrix, probabilities: npt.NDArray[np.float32]) -> None:
    alone = np.concatenate([model.probabilities(features[row : row + 1]) for row in range(len(features))])
    if alone.tobytes() != probabilities.tobytes():
        remedy = (
            "Export the model so that no operator's result depends on the batch; decisions could not be reproduced."
        )
        raise GoldenMismatch("a row scored alone differs from the same row in a batch", remedy)


def _compare(manifest: Manifest, what: str, found: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> None:
    if current_runtime().promises_equal_bits(manifest.runtime):
        is_equal, rule = found.tobytes() == expected.tobytes(), "bit for bit, as the runtime is the maker's"
    else:
        is_equal, rule = np.allclose(found, expected, rtol=0, atol=TOLERANCE), f"within {TOLERANCE}"
    if not is_equal:
        off = float(np.abs(found - expected).max())
        remedy = "Do not use it: export it again, or run it with the ONNX Runtime version that it names."
        raise GoldenMismatch(f"the golden {what} differs by up to {off:.3g}; it must agree {rule}", remedy)
