"""The answers of the HTTP contract, for OpenAPI and for tests: what producers.gateway.answers makes fits these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from producers.gateway.examples import (
    BATCH_ANSWER_EXAMPLE,
    CLASSIFIED_EXAMPLE,
    ERROR_EXAMPLE,
    LABELLED_EXAMPLE,
    PENDING_EXAMPLE,
    TRANSACTION_EXAMPLE,
)
from producers.gateway.problems import ErrorCode
from schemas.decision import Confidence, RiskLevel
from sinks.feedback import LabelOutcome

Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
"""RFC 3339 in UTC with milliseconds."""
Probability = Annotated[float, Field(ge=0, le=1)]


def _shows(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": list(examples)})


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorBody(_Answer):
    """What is wrong: a code for programs, a message for people, and for a request that is not valid a text per field, by path."""

    code: ErrorCode
    message: str
    details: dict[str, str]


class ErrorResponse(_Answer):
    """Every refusal has this shape."""

    model_config = _shows(ERROR_EXAMPLE)
    error: ErrorBody


class ReasonText(_Answer):
    """Why the score is high; they say what moved it, not who did it."""

    code: str
    value: float | None
    contribution: float = Field(description="to the log-odds")
    text: str


class Details(_Answer):
    """Two probabilities that sum to 1."""

    legitimate_probability: Probability
    fraud_probability: Probability
    risk_level: RiskLevel


class _Verdict(_Answer):
    transaction_id: str
    classification: Literal[0, 1] = Field(description="1 if fraud_score > 0.5")
    fraud_score: Probability
    confidence: Confidence
    details: Details
    reasons: list[ReasonText] = Field(description="strongest first; empty where the score raises no question")


class ClassifyResponse(_Verdict):
    """The decision, made once: whoever asks again with the same id and content gets the same one."""

    model_config = _shows(CLASSIFIED_EXAMPLE)
    timestamp: Instant = Field(description="when it was decided")
    model_version: str
    duplicate: bool = Field(description="whether this event had been asked for before")


class PendingResponse(_Answer):
    """Not decided yet; the event is safe. Ask at `location`, or send the same request again."""

    model_config = _shows(PENDING_EXAMPLE)
    status: Literal["pending"]
    transaction_id: str
    event_time: Instant
    location: str


class Versions(_Answer):
    """What made the decision."""

    model: str
    policy: str
    feature_set: str


class Times(_Answer):
    """When it happened, reached the stream, reached the consumer, and was decided."""

    event: Instant
    arrival: Instant
    received: Instant
    scored: Instant


class TransactionResponse(_Verdict):
    """The decision on a transaction, with what made it and when."""

    model_config = _shows(TRANSACTION_EXAMPLE)
    status: Literal["decided"]
    versions: Versions
    times: Times
    others: list[Instant] = Field(description="event times of other decisions with this id: ask with ?timestamp=")


class BatchItem(_Answer):
    """What the request at `index` alone would have been answered."""

    index: int = Field(ge=0)
    status: int
    body: ClassifyResponse | PendingResponse | ErrorResponse


class BatchResponse(_Answer):
    """One result for each request, in their order."""

    model_config = _shows(BATCH_ANSWER_EXAMPLE)
    results: list[BatchItem]


class LabelResult(_Answer):
    """What became of a report."""

    transaction_id: str
    outcome: LabelOutcome = Field(
        description="stored; early (no such event is decided yet); repeated; contradicted (the source said the opposite "
        "before, which stays); ambiguous (refused: add the timestamp)"
    )


class LabelResponse(_Answer):
    """One result for each report, in their order."""

    model_config = _shows(LABELLED_EXAMPLE)
    results: list[LabelResult]
