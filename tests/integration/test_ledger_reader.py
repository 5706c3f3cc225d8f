"""What operators and the audit read of the ledger."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

import psycopg
import pytest

from schemas.decision import Identity
from schemas.position import StreamEpoch
from sinks.errors import PermanentSinkError, TransientSinkError
from sinks.ledger.outbox import OutboxTerms, PostgresOutbox
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.reader import LedgerReader
from tests.builders import NOW
from tests.contract.databases import execute
from tests.contract.ledger_builders import EPOCH, a_decision, a_position, a_refusal, a_risky_decision, an_alert

pytestmark = pytest.mark.real

OTHER_EPOCH = StreamEpoch("20270101T000000Z")


def test_a_transaction_is_found_with_all_its_decisions(ledger: PostgresLedger, reader: LedgerReader) -> None:
    later = a_risky_decision("t-1", event_time=NOW + timedelta(days=400))
    ledger.commit([later, a_decision("t-1"), a_decision("t-2")], [], [])

    assert reader.find("t-1") == [a_decision("t-1"), later]
    assert reader.find("unknown") == []


def test_a_refusal_is_found_with_the_times_of_its_verdict(
    ledger: PostgresLedger, reader: LedgerReader, database_url: str
) -> None:
    ledger.commit([], [], [a_refusal(1)])

    stored = reader.find_refusal(a_position(1))
    execute(database_url, b"update fraudstream.refused set resolved_at = now()")
    resolved = reader.find_refusal(a_position(1))

    assert stored is not None
    assert resolved is not None
    assert (stored.refusal, stored.resolved_at) == (a_refusal(1), None)
    assert resolved.resolved_at is not None
    assert reader.find_refusal(a_position(2)) is None


def test_refusals_of_all_streams_come_by_arrival_then_by_position_as_numbers(
    ledger: PostgresLedger, reader: LedgerReader
) -> None:
    numbers = [a_refusal(position=a_position(sequence_number=number)) for number in (9, 10, 100)]
    elsewhere = a_refusal(position=a_position(stream_epoch=OTHER_EPOCH), arrival_time=NOW - timedelta(hours=1))
    ledger.commit([], [], [*reversed(numbers), elsewhere])

    assert [stored.refusal for stored in reader.refusals_by_arrival()] == [elsewhere, *numbers]


def test_the_alerts_of_a_transaction_tell_how_far_they_got(
    ledger: PostgresLedger, reader: LedgerReader, database_url: str
) -> None:
    decision = a_risky_decision()
    score, velocity = an_alert(decision), an_alert(decision, rule="velocity")
    ledger.commit([decision], [score, velocity], [])
    outbox = PostgresOutbox(database_url, OutboxTerms(max_age=None))
    outbox.claim(10)
    outbox.mark_sent({score.alert_id: "message-1"})
    outbox.park({velocity.alert_id: "InvalidParameter"})
    outbox.close()

    rows = {row.alert_id: row for row in reader.find_alerts(decision.transaction_id)}

    assert {row.identity for row in rows.values()} == {decision.identity}
    sent, parked = rows[score.alert_id], rows[velocity.alert_id]
    assert (sent.state, sent.message_id, sent.attempts, sent.last_error) == ("sent", "message-1", 1, None)
    assert (parked.state, parked.message_id, parked.last_error) == ("parked", None, "InvalidParameter")
    assert sent.sent_at is not None
    assert (sent.rule, sent.severity, sent.arrival_time) == ("score", "critical", decision.arrival_time)
    assert sent.attributes["rule"] == "score"


def test_a_suppressed_alert_keeps_its_reason(ledger: PostgresLedger, reader: LedgerReader, database_url: str) -> None:
    decision = a_risky_decision(arrival_time=NOW - timedelta(days=365))
    ledger.commit([decision], [an_alert(decision)], [])
    outbox = PostgresOutbox(database_url, OutboxTerms(max_age=timedelta(hours=24)))
    outbox.claim(10)
    outbox.close()

    (row,) = reader.all_alerts()

    assert (row.state, row.suppressed_reason, row.sent_at) == ("suppressed", "too_old", None)


def test_everything_of_one_stream_is_read_page_by_page(ledger: PostgresLedger, reader: LedgerReader) -> None:
    decisions = [a_decision(f"t-{i:05}", offset=i) for i in range(4_500)]
    ledger.commit([*decisions, a_decision("other", stream_epoch=OTHER_EPOCH)], [], [])
    ledger.commit([], [], [a_refusal(1), a_refusal(position=a_position(2, stream_epoch=OTHER_EPOCH))])

    assert set(reader.all_decisions(EPOCH)) == set(decisions)
    assert [stored.refusal for stored in reader.all_refusals(EPOCH)] == [a_refusal(1)]
    assert [row.identity for row in reader.all_decisions(OTHER_EPOCH)] == [Identity("other", NOW)]


def test_a_long_read_that_is_given_up_leaves_the_reader_usable(ledger: PostgresLedger, reader: LedgerReader) -> None:
    ledger.commit([a_decision(f"t-{i:05}", offset=i) for i in range(3_000)], [], [])
    rows = reader.all_decisions(EPOCH)

    assert len(list(islice(rows, 10))) == 10
    del rows

    assert reader.counts().decisions == 3_000


def test_the_counts_are_of_everything(ledger: PostgresLedger, reader: LedgerReader) -> None:
    assert reader.counts() == (0, 0, 0, 0)
    decision = a_risky_decision()

    ledger.commit([decision, a_decision()], [an_alert(decision)], [a_refusal(1), a_refusal(2), a_refusal(3)])

    assert reader.counts() == (2, 3, 1, 0)


def test_a_reader_cannot_write(reader: LedgerReader) -> None:
    with pytest.raises(TransientSinkError) as refused, reader._session.use() as connection:
        connection.execute("delete from fraudstream.decision")

    assert isinstance(refused.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)


def test_a_reader_without_rights_says_so(database_url: str) -> None:
    execute(database_url, b"alter table fraudstream.refused rename to hidden")
    reader = LedgerReader(database_url)
    try:
        with pytest.raises(PermanentSinkError, match="does not exist"):
            reader.counts()
    finally:
        reader.close()
        execute(database_url, b"alter table fraudstream.hidden rename to refused")
