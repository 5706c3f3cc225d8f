"""Whatever decision the schema allows comes back from PostgreSQL as the same value: the effective row is the first one, bit for bit."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.decision import RISK_LEVELS, Decision, Reason
from schemas.position import ShardId, StreamEpoch
from sinks.ledger.postgres import PostgresLedger
from tests.contract.databases import migrated_database
from tests.contract.ledger_builders import a_candidate, a_decision

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def ledger() -> Iterator[PostgresLedger]:
    opened = PostgresLedger(migrated_database())
    yield opened
    opened.close()


def texts(limit: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=limit)


def moments() -> st.SearchStrategy[datetime]:
    aware = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - gets UTC
    return aware.map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))


finite = st.floats(allow_nan=False, allow_infinity=False)
reasons = st.builds(Reason, code=texts(64), value=st.none() | finite, contribution=finite)
decisions = st.builds(
    Decision,
    transaction_id=texts(80).map(lambda text: f"{uuid4()}{text}"),
    event_time=moments(),
    user_id=texts(128),
    amount=st.decimals(Decimal(0), Decimal("9999999999999999.99"), places=2),
    currency=st.none() | texts(3),
    merchant_id=st.none() | texts(128),
    merchant_category=st.none() | texts(64),
    channel=st.none() | texts(32),
    location_country=st.none() | texts(64),
    location_state=st.none() | texts(64),
    location_city=st.none() | texts(64),
    location_latitude=st.none() | st.floats(-90, 90),
    location_longitude=st.none() | st.floats(-180, 180),
    device_type=st.none() | texts(32),
    device_id=st.none() | texts(128),
    ip_address=st.none() | texts(45),
    card_id=st.none() | texts(128),
    local_hour=st.integers(0, 23),
    local_weekday=st.integers(0, 6),
    previous_transactions_count=st.none() | st.integers(0, 2**31 - 1),
    content_hash=st.binary(min_size=16, max_size=16),
    features=st.lists(st.floats(width=32), max_size=40).map(lambda values: struct.pack(f"<{len(values)}f", *values)),
    score=st.floats(0, 1, width=32),
    classification=st.integers(0, 1),
    risk_level=st.sampled_from(RISK_LEVELS),
    confidence=st.sampled_from(["low", "medium", "high"]),
    reasons=st.none() | st.lists(reasons, max_size=5).map(tuple),
    model_version=texts(64),
    policy_version=texts(64),
    feature_set=texts(64),
    stream_epoch=st.just(StreamEpoch("20260801T000000Z")),
    shard_id=st.just(ShardId("shardId-000000000000")),
    sequence_number=st.integers(0, 10**56).map(str),
    sub_sequence=st.integers(0, 2**63 - 1),
    arrival_time=moments(),
    received_at=moments(),
    scored_at=moments(),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(first=decisions, others=st.lists(decisions, max_size=2))
def test_a_replay_gets_the_first_decision_back_bit_for_bit(
    ledger: PostgresLedger, first: Decision, others: list[Decision]
) -> None:
    batch = [first, *others]
    ledger.commit(batch, [], [])
    replayed = [d._replace(model_version="later", scored_at=d.scored_at.replace(year=2000, day=1)) for d in batch]

    effective = ledger.commit(replayed, [], [])

    assert [effective[decision.identity] for decision in batch] == batch
    for decision in batch:
        assert _exact(effective[decision.identity]) == _exact(decision)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(few=st.lists(decisions, min_size=3, max_size=5))
def test_so_does_a_batch_that_is_large_enough_to_be_packed_otherwise(
    ledger: PostgresLedger, few: list[Decision]
) -> None:
    batch = [d._replace(transaction_id=f"{d.transaction_id[:100]}/{copy}") for copy in range(10) for d in few]
    ledger.commit(batch, [], [])

    effective = ledger.commit([decision._replace(model_version="later") for decision in batch], [], [])

    assert [_exact(effective[decision.identity]) for decision in batch] == [_exact(decision) for decision in batch]
    assert [effective[decision.identity] for decision in batch] == batch


def _exact(decision: Decision) -> list[object]:
    """Values with what equality does not see: types, the decimals of money, time zones."""
    money = decision.amount.as_tuple()
    return [money, *((type(value), getattr(value, "tzinfo", None)) for value in decision)]


def test_a_day_is_24_hours_in_the_ledgers_horizon(ledger: PostgresLedger) -> None:
    summer_time_ends = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    decision = a_decision("dst", event_time=summer_time_ends)
    ledger.commit([decision], [], [])

    known = ledger.look_up([a_candidate(decision, later_by=timedelta(hours=24, milliseconds=1))], [])

    assert known.decisions == ()
