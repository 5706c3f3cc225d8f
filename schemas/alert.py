"""The alert that people on call receive, `fraud-alert/1`, and its deterministic id."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from schemas.decision import Identity, RiskLevel
from schemas.timestamps import format_timestamp

ALERT_SCHEMA = "fraud-alert/1"
_NAMESPACE = UUID("6f1c2b64-7d0f-5a3c-9d0e-2f6f6d3f8a11")


class AlertReason(BaseModel):
    """One reason: its code, the feature's value, its contribution to the log-odds, and the sentence for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: str
    value: float | None
    contribution: float
    text: str


class AlertPosition(BaseModel):
    """Where the decided record stands in the stream."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stream_epoch: str
    shard_id: str
    sequence_number: str
    sub_sequence: int


class Alert(BaseModel):
    """A high-risk decision, told to people. The same `alert_id` may arrive more than once: receivers de-duplicate on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: str = Field(default=ALERT_SCHEMA, alias="schema", description="always fraud-alert/1")
    alert_id: UUID = Field(description="UUIDv5 of the event's identity and the rule: the key to de-duplicate on")
    rule: str = Field(description="what raised it, such as score")
    severity: RiskLevel = Field(description="the decision's risk level")
    summary: str = Field(description="one sentence for a person")
    transaction_id: str
    event_time: datetime
    user_id: str
    amount: Decimal
    currency: str | None
    merchant_id: str | None
    merchant_category: str | None
    country: str | None
    score: float
    threshold: float = Field(description="the score at or above which this rule alerts")
    reasons: tuple[AlertReason, ...] = Field(description="strongest first")
    reason_method: str = Field(
        description="how the contributions were computed; they say what moved the score, not who did it"
    )
    model_version: str
    policy_version: str
    position: AlertPosition
    links: dict[str, str] = Field(default_factory=dict, description="addresses to look further, by name")


def alert_id(identity: Identity, rule: str) -> UUID:
    """Return the id that every incarnation of a worker gives to the alert of this event and rule (UUIDv5)."""
    return uuid5(_NAMESPACE, f"{identity.transaction_id}\0{format_timestamp(identity.event_time)}\0{rule}")
