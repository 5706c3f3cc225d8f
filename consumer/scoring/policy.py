"""What a score means: classification, risk level, alert or not. Apart from the model, because people change it, not training."""

from __future__ import annotations

import tomllib
from functools import cached_property
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.decision import RISK_LEVELS, RiskLevel

Edge = Annotated[float, Field(gt=0, lt=1)]


class PolicyError(ValueError):
    """The policy is not usable; the message names every key at fault."""


class Verdict(NamedTuple):
    """The policy's answer to one score."""

    classification: int
    risk_level: RiskLevel
    alerts: bool
    threshold: float
    """The edge of the lowest level that alerts: what an alert shows beside its score."""


class Bands(BaseModel):
    """The edges of the risk levels: low < medium_from <= medium <= high_above < high < critical_from <= critical."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    medium_from: Edge
    high_above: Edge
    critical_from: Edge

    @model_validator(mode="after")
    def _rise(self) -> Self:
        if not self.medium_from <= self.high_above < self.critical_from:
            raise ValueError("must rise: medium_from <= high_above < critical_from")
        return self

    def level(self, score: float) -> RiskLevel:
        """Return the level of a score between 0 and 1. Note the edges: high_above itself is still medium."""
        if score > self.high_above:
            return "critical" if score >= self.critical_from else "high"
        return "medium" if score >= self.medium_from else "low"


class Policy(BaseModel):
    """`policy.toml`: a version, the bands, the classification's threshold and the level that alerts start from."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    version: Annotated[str, Field(min_length=1, max_length=64)]
    classify_above: Edge
    alert_from: RiskLevel
    bands: Bands

    def judge(self, score: float) -> Verdict:
        """Return the verdict on a score between 0 and 1, as the float32 model said it."""
        level = self.bands.level(score)
        return Verdict(int(score > self.classify_above), level, level in self._alerting, self._threshold)

    @cached_property
    def _alerting(self) -> frozenset[RiskLevel]:
        return frozenset(RISK_LEVELS[RISK_LEVELS.index(self.alert_from) :])

    @cached_property
    def _threshold(self) -> float:
        edges = (0.0, self.bands.medium_from, self.bands.high_above, self.bands.critical_from)
        return dict(zip(RISK_LEVELS, edges, strict=True))[self.alert_from]


def parse_policy(text: str) -> Policy:
    """Return the policy that the TOML `text` holds; raises `PolicyError` naming each key that is missing, unknown or wrong."""
    try:
        return Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not TOML: {error}") from error
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'policy'}: {fault['msg']}" for fault in error.errors())
        raise PolicyError("; ".join(faults)) from error
