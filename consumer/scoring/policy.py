"""`policy.toml`: which thresholds apply to whom, and who is listed. Apart from the model, because people change it, not training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from consumer.scoring.lists import Entry, NameList
from consumer.scoring.segments import Segment, SegmentTable
from consumer.scoring.terms import Bands, Edge, Facts, Terms, Verdict
from consumer.scoring.toml_lines import TomlText
from schemas.decision import RiskLevel

_MAX_FAULTS = 5


class PolicyError(ValueError):
    """The policy is not usable; the message names the line and the key of each fault."""


class Policy(BaseModel):
    """`policy.toml`: a version, bands, the classification's threshold, the level that alerts start from, segments and lists."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    version: Annotated[str, Field(min_length=1, max_length=64)]
    classify_above: Edge
    alert_from: RiskLevel
    bands: Bands
    segments: Annotated[list[Segment], Field(max_length=1_000)] = []
    block: list[Entry] = []
    allow: list[Entry] = []

    @model_validator(mode="after")
    def _name_segments_apart(self) -> Self:
        names = [segment.name for segment in self.segments]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f'two segments have the name "{twice}"')
        return self

    def judge(self, score: float, facts: Facts) -> Verdict:
        """Return the verdict on a score between 0 and 1, as the float32 model said it, of a transaction with these facts.

        Neither list changes score or class. What the block list names is critical and alerts, whatever else names it; what the
        allow list names keeps its level and alerts nobody.
        """
        table = self._table
        verdict = (self._terms if table is None else table.terms_of(facts)).judge(score)
        if self._block is not None and self._block.names(facts):
            return verdict._replace(risk_level="critical", alerts=True, threshold=0.0, listed="BLOCK_LISTED")
        if self._allow is not None and verdict.alerts and self._allow.names(facts):
            return verdict._replace(alerts=False, listed="ALLOW_LISTED")
        return verdict

    def judge_all(self, scores: Sequence[float], facts: Sequence[Facts]) -> list[Verdict]:
        """Return what `judge` says of each pair, in their order."""
        if self._table is None and self._block is None and self._allow is None:
            return self._terms.judge_all(scores)
        return [self.judge(*pair) for pair in zip(scores, facts, strict=True)]

    def judge_score(self, score: float) -> Verdict:
        """Return the verdict of the policy's own thresholds, as if there were neither segments nor lists."""
        return self._terms.judge(score)

    @cached_property
    def _terms(self) -> Terms:
        return Terms(self.classify_above, self.alert_from, self.bands)

    @cached_property
    def _table(self) -> SegmentTable | None:
        terms = [
            Terms(
                s.classify_above or self.classify_above, s.alert_from or self.alert_from, s.bands or self.bands, s.name
            )
            for s in self.segments
        ]
        return SegmentTable(self.segments, terms, self._terms) if terms else None

    @cached_property
    def _block(self) -> NameList | None:
        return NameList(self.block) if self.block else None

    @cached_property
    def _allow(self) -> NameList | None:
        return NameList(self.allow) if self.allow else None


def read_policy(content: bytes) -> Policy:
    """Return the policy that a file holds; raises `PolicyError` as `parse_policy` does, and for what is not UTF-8."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyError(f"line {line}: not UTF-8") from error
    return parse_policy(text)


def parse_policy(text: str) -> Policy:
    """Return the policy that the TOML `text` holds; raises `PolicyError` naming line and key of what is missing, unknown or wrong."""
    try:
        toml = TomlText(text)
    except ValueError as error:
        raise PolicyError(f"not TOML: {error}") from error
    try:
        return Policy.model_validate(toml.document)
    except ValidationError as error:
        raise PolicyError("; ".join(_tell(error, toml))) from error


def _tell(error: ValidationError, toml: TomlText) -> list[str]:
    faults = error.errors()
    told = []
    for fault in faults[:_MAX_FAULTS]:
        line, path = toml.line_of(fault["loc"]), ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Value error, ")
        told.append(f"{f'line {line}: ' if line else ''}{path or 'policy'}: {message}")
    left = len(faults) - len(told)
    return [*told, f"and {left} more"] if left else told
