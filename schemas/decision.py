"""A decision: the facts of the event, the score and everything needed to explain and reproduce it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from schemas.position import ShardId, StreamEpoch, StreamPosition

RiskLevel = Literal["low", "medium", "high", "critical"]
Confidence = Literal["low", "medium", "high"]
RISK_LEVELS: tuple[RiskLevel, ...] = ("low", "medium", "high", "critical")


class Reason(NamedTuple):
    """Why a score is high: a code, the feature's value (None where it was missing) and its contribution to the log-odds."""

    code: str
    value: float | None
    contribution: float


class Decision(NamedTuple):
    """One row of the ledger, in the order of `schemas.lake.LEDGER_COLUMNS`; whatever is written anywhere comes from the effective row.

    `features` holds float32 little-endian bytes, `score` a float that float32 represents exactly, times are aware UTC in milliseconds.
    """

    transaction_id: str
    event_time: datetime
    user_id: str
    amount: Decimal
    currency: str | None
    merchant_id: str | None
    merchant_category: str | None
    channel: str | None
    location_country: str | None
    location_state: str | None
    location_city: str | None
    location_latitude: float | None
    location_longitude: float | None
    device_type: str | None
    device_id: str | None
    ip_address: str | None
    card_id: str | None
    local_hour: int
    local_weekday: int
    previous_transactions_count: int | None
    content_hash: bytes
    features: bytes
    score: float
    classification: int
    risk_level: RiskLevel
    confidence: Confidence
    reasons: tuple[Reason, ...] | None
    model_version: str
    policy_version: str
    feature_set: str
    stream_epoch: StreamEpoch
    shard_id: ShardId
    sequence_number: str
    sub_sequence: int
    arrival_time: datetime
    received_at: datetime
    scored_at: datetime

    @property
    def identity(self) -> Identity:
        """What first write wins on."""
        return Identity(self.transaction_id, self.event_time)

    @property
    def position(self) -> StreamPosition:
        """The delivery that was decided; only the record at this very position puts the decision into the lake."""
        return StreamPosition(self.stream_epoch, self.shard_id, int(self.sequence_number), self.sub_sequence)


class Identity(NamedTuple):
    """An event's identity: the sender's id and the event time, UTC truncated to milliseconds."""

    transaction_id: str
    event_time: datetime
