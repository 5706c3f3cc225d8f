"""What a score means under one set of thresholds: class, risk level, alert or not. The policy chooses which set applies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.decision import RISK_LEVELS, RiskLevel

Edge = Annotated[float, Field(gt=0, lt=1)]
ListCode = Literal["BLOCK_LISTED", "ALLOW_LISTED"]


class Facts(Protocol):
    """What a policy may ask of a transaction; a `Transaction` and a stored `Decision` both answer."""

    @property
    def event_time(self) -> datetime: ...  # noqa: D102
    @property
    def amount(self) -> Decimal: ...  # noqa: D102


class Verdict(NamedTuple):
    """The policy's answer to one score."""

    classification: int
    risk_level: RiskLevel
    alerts: bool
    threshold: float
    """What an alert shows beside its score: the edge of the lowest level that alerts; 0 for what the block list names."""
    listed: ListCode | None = None
    """The list that decided whether this alerts; None where the score did, as an allow list does nothing to what alerts nobody."""
    segment: str | None = None
    """The segment whose thresholds these are; None for the policy's own."""


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


class Terms:
    """One set of thresholds, made ready: every verdict that it can give exists before the first score."""

    def __init__(self, classify_above: float, alert_from: RiskLevel, bands: Bands, segment: str | None = None) -> None:
        edges = (0.0, bands.medium_from, bands.high_above, bands.critical_from)
        first = RISK_LEVELS.index(alert_from)
        self._classify_above, self._bands = classify_above, bands
        self._verdicts: tuple[dict[RiskLevel, Verdict], ...] = tuple(
            {
                level: Verdict(classification, level, rank >= first, edges[first], None, segment)
                for rank, level in enumerate(RISK_LEVELS)
            }
            for classification in (0, 1)
        )
        self._first_edge = min(classify_above, bands.medium_from)
        self._lowest = self._verdicts[0]["low"]

    def judge(self, score: float) -> Verdict:
        """Return the verdict on a score between 0 and 1, no list considered."""
        return self._verdicts[score > self._classify_above][self._bands.level(score)]

    def judge_all(self, scores: Sequence[float]) -> list[Verdict]:
        """Return what `judge` says of each score, in their order."""
        lowest = self._lowest  # what is below every edge needs one comparison, and almost everything is
        return [lowest if score < self._first_edge else self.judge(score) for score in scores]
