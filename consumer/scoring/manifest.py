"""`manifest.json` of a model bundle: what the model is, where it came from and what it must answer."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from consumer.scoring.features import Matrix
from consumer.scoring.runtime import Runtime

MANIFEST_SCHEMA = "model-bundle/1"
REASON_METHOD = "linear contribution to the log-odds against the training mean"

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Training(_Part):
    """What the model learned from and how well it did on events later than those."""

    data: str
    """Where the events came from, so that they can be made again."""
    events: int
    frauds: int
    metrics: dict[str, float]
    """Measured on the last part by event time, which training never saw."""


class Calibration(_Part):
    """Why the score is a probability, and how far from one it was on the held-out part."""

    method: str
    error: float
    """Expected calibration error: mean distance between predicted and observed share over ten groups of equal size."""
    mean_predicted: float
    observed: float


class Golden(_Part):
    """An event, its features and the model's answer. None is NaN; order and length are those of the feature names."""

    event: dict[str, Any]
    features: tuple[float | None, ...]
    probability: float
    contributions: tuple[float, ...]


class Manifest(_Part):
    """The whole file. Numbers are float32 values that JSON's decimals give back exactly."""

    schema_name: str = Field(alias="schema", pattern=f"^{MANIFEST_SCHEMA}$")
    model_version: Annotated[str, Field(min_length=1, max_length=64)]
    feature_set: str
    features: tuple[str, ...]
    baseline: tuple[float, ...]
    """The training means, which contributions are measured against and which stand in for what is missing."""
    reason_method: str
    files: dict[str, Sha256]
    training: Training
    calibration: Calibration
    runtime: Runtime
    golden: Annotated[tuple[Golden, ...], Field(min_length=1)]

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
