"""The whole system without a log, and then with one whose metrics are compared with the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.chaos.consumer_process import ConsumerProcess
from consumer.chaos.deployment import a_deployment
from consumer.chaos.waiting import wait_until
from consumer.telemetry.emf_reader import read_emf
from consumer.telemetry.metrics import METRICS
from infra.local.environment import LocalEnvironment
from producers.records import OutgoingRecord

pytestmark = [pytest.mark.real, pytest.mark.daemon]
EVENTS = 400


def _lines_lost(consumer: ConsumerProcess) -> int:
    health = consumer.health()
    return health.all_lines_lost if health else 0


def test_a_full_disk_under_the_log_changes_nothing_and_metrics_say_what_the_audit_says(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    with a_deployment(local_environment, tmp_path, shards=2, FRAUDSTREAM_METRICS_EVERY_S="2") as system:
        system.consumer.start(Path("/dev/full"))
        system.publish(system.records(EVENTS))
        system.wait_decided(EVENTS)
        system.wait_told()
        wait_until(lambda: _lines_lost(system.consumer) > 0, "lost lines told")
        assert system.consumer.stop() == 0
        before = system.audit()
        assert before.is_clean, before.findings
        assert before.is_complete, before.counts

        system.consumer.start()
        records = system.records(EVENTS)
        system.publish([*records, *records[:50], OutgoingRecord(b"no event", "somebody")])
        system.wait_decided(2 * EVENTS + 1)
        system.wait_told()
        assert system.consumer.stop() == 0, system.consumer.tail()
        after = system.audit()
        assert after.is_clean, after.findings
        assert after.is_complete, after.counts
        counts = {name: after.counts[name] - before.counts[name] for name in ("published", "decided", "alerts")}

    metrics = read_emf(system.consumer.log().splitlines())
    assert metrics["RecordsConsumed", None].total == counts["published"] == EVENTS + 51
    assert metrics["DecisionsMade", None].total == counts["decided"] == EVENTS
    assert metrics["RecordsRefused", "decode"].total == 1
    assert metrics["RecordsRepeated", None].total == 50
    assert metrics["AlertsRaised", None].total == metrics["AlertsSent", None].total == counts["alerts"]
    assert sum(metrics["ChunkRows", None].values) == EVENTS
    assert metrics["LogLinesLost", None].total == 0
    plain = {name for name, m in METRICS.items() if m.dimension is None and m.emitters != ("gateway",)}
    assert plain - {name for name, of in metrics if of is None} == set()
