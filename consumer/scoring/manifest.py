"""`manifest.json` of a model bundle: what the model is, where it came from and what it must answer."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from consumer.scoring.features import Matrix
from consumer.scoring.runtime import Runtime
from schemas.history import MerchantWindows, PastTransaction

MANIFEST_SCHEMA = "model-bundle/1"
REASON_METHOD = "linear contribution to the log-odds against the training mean"
PATH_REASON_METHOD = (
    "path attribution (Saabas): what each split on the way to the leaf added to the log-odds before calibration"
)

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Za-z_][0-9A-Za-z_.-]*(/[0-9A-Za-z_][0-9A-Za-z_.-]*)*$", max_length=200)
]
"""A file of the bundle, relative to its folder: no part begins with a dot, so that none leads out of it."""


_UNSEALED = "0" * 64


def seal_of(content: bytes, seal: str) -> str | None:
    """Return the right seal for a manifest's bytes that now hold `seal`; None unless they hold it exactly once."""
    if content.count(seal.encode()) != 1:
        return None
    return sha256(content.replace(seal.encode(), _UNSEALED.encode())).hexdigest()


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Periods(_Part):
    """Event times in UTC (ISO 8601), each end left out: who learned from what, and on what it was measured."""

    learn_from: str
    learn_until: str
    labels_until: str
    """Labels reported later than this were not used."""
    calibrate_from: str
    calibrate_until: str
    test_from: str
    test_until: str


class Training(_Part):
    """What the model learned from and how well it did on events later than those."""

    data: str
    """Where the events came from, so that they can be made again."""
    events: int
    frauds: int
    metrics: dict[str, float]
    """Measured on the last part by event time, which training never saw."""
    digest: Sha256 | None = None
    """Of the files that the events were read from."""
    periods: Periods | None = None
    seed: int | None = None
    settings: dict[str, float] = {}
    """Chosen on validation folds."""
    libraries: dict[str, str] = {}
    """Versions by name: the same ones give the same bytes."""


class Calibration(_Part):
    """Why the score is a probability, and how far from one it was on the held-out part."""

    method: str
    error: float
    """Expected calibration error: mean distance between predicted and observed share over ten groups of equal size."""
    mean_predicted: float
    observed: float


class Golden(_Part):
    """An event, its past, its features and the model's answer. None is NaN; order and length are those of the feature names."""

    event: dict[str, Any]
    past: tuple[PastTransaction, ...] = ()
    """The user's earlier transactions that a window may reach, in the order of time; empty for sets without history."""
    merchant: MerchantWindows | None = None
    """What was known of the event's merchant."""
    features: tuple[float | None, ...]
    probability: float
    contributions: tuple[float, ...]


class Manifest(_Part):
    """The whole file. Numbers are float32 values that JSON's decimals give back exactly."""

    schema_name: str = Field(alias="schema", pattern=f"^{MANIFEST_SCHEMA}$")
    seal: Sha256 = _UNSEALED
    """SHA-256 of the file with zeros in its place, so that the folder vouches for this file too. `sealed` puts it in."""
    model_version: Annotated[str, Field(min_length=1, max_length=64)]
    feature_set: str
    features: tuple[str, ...]
    baseline: tuple[float, ...]
    """The training means, which contributions are measured against and which stand in for what is missing."""
    reason_method: str
    files: dict[FileName, Sha256]
    """Every file of the bundle but this one: model, policy, and whatever else belongs to it, such as a model card."""
    training: Training
    calibration: Calibration
    runtime: Runtime
    golden: Annotated[tuple[Golden, ...], Field(min_length=1)]

    def sealed(self) -> bytes:
        """Return the file's bytes, sealed anew."""
        unsealed = self.model_copy(update={"seal": _UNSEALED}).model_dump_json(indent=1, by_alias=True).encode() + b"\n"
        return unsealed.replace(_UNSEALED.encode(), sha256(unsealed).hexdigest().encode(), 1)

    def golden_features(self) -> Matrix:
        """Return the golden inputs, shape [G, F], NaN for missing."""
        rows = [[np.nan if value is None else value for value in golden.features] for golden in self.golden]
        return np.array(rows, np.float32)

    def golden_probabilities(self) -> npt.NDArray[np.float32]:
        """Return the expected probabilities, shape [G]."""
        return np.array([golden.probability for golden in self.golden], np.float32)

    def golden_contributions(self) -> Matrix:
        """Return the expected contributions, shape [G, F]."""
        return np.array([golden.contributions for golden in self.golden], np.float32)
