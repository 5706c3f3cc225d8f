"""What the live view asks of the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.reader import LedgerHops, LedgerReader
from tests.builders import NOW
from tests.contract.databases import execute
from tests.contract.ledger_builders import a_decision, a_risky_decision, an_alert

pytestmark = pytest.mark.real


def test_the_hops_of_an_empty_ledger_are_unknown(reader: LedgerReader) -> None:
    assert reader.hops(NOW) == LedgerHops(None, None, None)


def test_hops_are_percentiles_of_what_was_scored_or_told_since(
    ledger: PostgresLedger, reader: LedgerReader, database_url: str
) -> None:
    received_ms, scored_ms = (100, 200, 300), (10, 10, 40)
    rows = [
        a_decision(
            f"t-{n}",
            arrival_time=NOW,
            received_at=NOW + timedelta(milliseconds=received),
            scored_at=NOW + timedelta(milliseconds=received + scored),
        )
        for n, (received, scored) in enumerate(zip(received_ms, scored_ms, strict=True))
    ]
    risky = a_risky_decision("old", arrival_time=NOW - timedelta(days=1), scored_at=NOW - timedelta(days=1))
    ledger.commit([*rows, risky], [an_alert(risky)], [])
    told = b"update fraudstream.alert_outbox set state = 'sent', sent_at = created_at + interval '250 milliseconds'"
    execute(database_url, told)

    hops = reader.hops(NOW)

    assert hops.put_to_received == pytest.approx((200, 298))
    assert hops.received_to_scored == pytest.approx((10, 39.4))
    assert reader.hops(NOW + timedelta(seconds=1)).received_to_scored is None
    assert hops.committed_to_told == pytest.approx((250, 250))
