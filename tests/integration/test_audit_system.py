"""The audit against a real ledger, and against a system that does not stop for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from consumer.auditing.ledger import read_ledger
from consumer.chaos.deployment import a_deployment
from consumer.chaos.traffic import Traffic
from infra.local.environment import LocalEnvironment
from schemas.decision import Identity
from schemas.position import StreamEpoch
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.reader import LedgerReader
from tests.builders import NOW
from tests.contract.ledger_builders import EPOCH, a_decision, a_refusal, a_risky_decision, an_alert

pytestmark = pytest.mark.real

OTHER_EPOCH = StreamEpoch("20270101T000000Z")


def test_what_is_committed_between_the_reads_of_one_moment_is_not_seen(
    ledger: PostgresLedger, reader: LedgerReader
) -> None:
    ledger.commit([a_decision("before")], [], [])
    late = a_risky_decision("late")
    with reader.one_moment():
        assert len(list(reader.all_decisions(EPOCH))) == 1
        ledger.commit([late], [an_alert(late)], [a_refusal(1)])
        assert len(list(reader.all_decisions(EPOCH))) == 1
        assert list(reader.all_refusals(EPOCH)) == []
        assert list(reader.all_alerts()) == []
    assert len(list(reader.all_decisions(EPOCH))) == 2
    assert len(list(reader.all_alerts())) == 1


def test_a_reader_is_usable_after_a_moment_that_failed(ledger: PostgresLedger, reader: LedgerReader) -> None:
    ledger.commit([a_decision()], [], [])
    with pytest.raises(ZeroDivisionError), reader.one_moment():
        _ = len(list(reader.all_decisions(EPOCH))) / 0
    assert len(list(reader.all_decisions(EPOCH))) == 1


def test_decisions_are_found_by_identity_whatever_stream_they_came_from(
    ledger: PostgresLedger, reader: LedgerReader
) -> None:
    here, there = a_decision("here"), a_decision("there", stream_epoch=OTHER_EPOCH, offset=1)
    ledger.commit([here, there, a_decision("not-asked", offset=2)], [], [])
    unknown = [Identity("unknown", NOW), Identity("here", NOW + timedelta(seconds=1))]
    many = [Identity(f"t-{n}", NOW) for n in range(4_500)]
    assert set(reader.find_all([here.identity, *unknown, *many, there.identity])) == {here, there}


def test_the_moment_of_an_epoch_has_its_alerts_and_the_decisions_of_others_about_its_events(
    ledger: PostgresLedger, reader: LedgerReader
) -> None:
    here, there = a_risky_decision("here"), a_risky_decision("there", stream_epoch=OTHER_EPOCH, offset=1)
    ledger.commit([here, there], [an_alert(here), an_alert(there)], [a_refusal(2)])
    moment = read_ledger(reader, EPOCH, lambda decisions, refusals: [there.identity] * bool(decisions and refusals))
    assert (moment.decisions, moment.decided_elsewhere) == ([here], [there])
    assert [(entry.payload["transaction_id"], entry.state) for entry in moment.outbox] == [("here", "waiting")]
    assert list(moment.refusals.values()) == [a_refusal(2)]


@pytest.mark.daemon
def test_a_system_is_clean_while_it_works_and_complete_when_it_stopped(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    with a_deployment(local_environment, tmp_path, shards=2) as system:
        system.consumer.start()
        with Traffic(system, 300, seed=1) as traffic:
            system.wait_decided(300)
            for _ in range(5):
                report = system.audit()
                assert report.is_clean, report.findings
                assert report.counts["decided"]
        system.wait_checkpointed(traffic.ends)
        assert system.consumer.stop() == 0, system.consumer.log()[-3000:]
        report = system.audit()
        assert report.is_clean, report.findings
        assert report.is_complete, report.counts
        assert (
            report.counts["published"]
            == report.counts["decided"] + report.counts["refused"] + report.counts["repeated"]
        )
