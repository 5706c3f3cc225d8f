"""Enhanced fan-out with everything real: Java's SDK reads what the embedded Kinesis pushes, and the audit finds each event once."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.chaos.deployment import a_deployment
from consumer.chaos.engine import run_schedule
from consumer.chaos.process_faults import KillDaemon, KillWorker
from consumer.chaos.shard_faults import Split
from infra.local.environment import LocalEnvironment

pytestmark = [pytest.mark.real, pytest.mark.daemon]


def test_pushed_records_are_decided_once_across_a_split_and_two_kills(
    local_environment: LocalEnvironment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(what: str) -> None:
        with capsys.disabled():
            print(what)

    with a_deployment(local_environment, tmp_path, shards=2, FRAUDSTREAM_RETRIEVAL="fan_out") as deployment:
        outcome = run_schedule(deployment, [KillWorker(), Split(), KillDaemon()], seed=1, say=say)
        kinesis, name = deployment.kinesis, deployment.resources.stream_name
        stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        consumers = kinesis.list_stream_consumers(StreamARN=stream["StreamARN"])["Consumers"]

    assert outcome.failures == []
    assert outcome.is_proof
    assert [consumer["ConsumerName"] for consumer in consumers] == [deployment.name]
