"""The plain decision that tests vary: by `_replace`, or by a builder beside them."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from schemas.decision import Decision
from schemas.position import ShardId, StreamEpoch

NOW = datetime(2026, 8, 12, 10, 30, tzinfo=UTC)
"""A Wednesday; test databases have partitions for the weeks around it."""

PLAIN_DECISION = Decision(
    transaction_id="t-1",
    event_time=NOW,
    user_id="user-7",
    amount=Decimal("12.30"),
    currency="SEK",
    merchant_id="merchant-9",
    merchant_category="grocery",
    channel="online",
    location_country="SE",
    location_state=None,
    location_city="Malmö",
    location_latitude=55.605,
    location_longitude=13.0038,
    device_type="phone",
    device_id="device-1",
    ip_address="192.0.2.7",
    card_id="tok_1",
    local_hour=12,
    local_weekday=2,
    previous_transactions_count=None,
    content_hash=b"0123456789abcdef",
    features=struct.pack("<4f", 0.1, float("nan"), -3.5, 1e30),
    score=0.0625,
    classification=0,
    risk_level="low",
    confidence="high",
    reasons=None,
    model_version="model-1",
    policy_version="policy-1",
    feature_set="event/1",
    stream_epoch=StreamEpoch("20260801T000000Z"),
    shard_id=ShardId("shardId-000000000003"),
    sequence_number="49590338271490256608559692538361571095921575989136588898",
    sub_sequence=0,
    arrival_time=NOW,
    received_at=NOW + timedelta(milliseconds=250),
    scored_at=NOW + timedelta(milliseconds=253),
)
