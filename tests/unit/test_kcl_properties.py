from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from consumer.kinesis.properties import KclSettings, Property, kcl_properties, local_profile, render_properties

AWS = KclSettings(
    stream_name="transactions", application_name="fraudstream", worker_id="worker-1", region="eu-central-1"
)
LOCAL = local_profile(replace(AWS, endpoint_url="http://127.0.0.1:4999"))


def values(settings: KclSettings) -> dict[str, str]:
    return {one.key: str(one.value) for one in kcl_properties(settings, "/bin/sh launch gate")}


def test_the_values_for_aws_follow_the_table_of_the_design() -> None:
    assert values(AWS) == {
        "executableName": "/bin/sh launch gate",
        "processingLanguage": "python",
        "streamName": "transactions",
        "applicationName": "fraudstream",
        "workerId": "worker-1",
        "regionName": "eu-central-1",
        "AwsCredentialsProvider": "DefaultCredentialsProvider",
        "initialPositionInStream": "TRIM_HORIZON",
        "retrievalMode": "POLLING",
        "maxRecords": "5000",
        "idleTimeBetweenReadsInMillis": "200",
        "callProcessRecordsEvenForEmptyRecordList": "true",
        "metricsLevel": "SUMMARY",
        "failoverTimeMillis": "10000",
        "shutdownGraceMillis": "90000",
        "workerMetricsReporterFreqInMillis": "10000",
        "skipShardSyncAtWorkerInitializationIfLeasesExist": "true",
    }


def test_a_start_at_a_moment_is_told_in_whole_seconds_of_the_epoch_and_by_no_other_key() -> None:
    at = replace(AWS, initial_position="AT_TIMESTAMP", initial_timestamp=datetime(2026, 11, 21, 13, tzinfo=UTC))
    assert values(at)["initialPositionInStreamExtended"] == "1795266000"
    assert "initialPositionInStream" not in values(at)


def test_a_start_at_a_moment_needs_the_moment() -> None:
    with pytest.raises(ValueError, match="initial_timestamp"):
        replace(AWS, initial_position="AT_TIMESTAMP")


def test_enhanced_fan_out_names_its_consumer_after_the_application_and_leaves_out_how_to_poll() -> None:
    pushed = values(replace(AWS, retrieval_mode="FANOUT"))
    polled = values(AWS)

    assert pushed.items() - polled.items() == {
        ("retrievalMode", "FANOUT"),
        ("fanoutConfig.consumerName", "fraudstream"),
    }
    assert polled.keys() - pushed.keys() == {"maxRecords", "idleTimeBetweenReadsInMillis"}


def test_the_local_profile_is_fast_and_needs_no_cloudwatch() -> None:
    changed = dict(values(LOCAL).items() - values(AWS).items())

    assert changed == {
        "kinesisEndpoint": "http://127.0.0.1:4999",
        "dynamoDBEndpoint": "http://127.0.0.1:4999",
        "metricsLevel": "NONE",
        "failoverTimeMillis": "3000",
        "shutdownGraceMillis": "20000",
        "workerMetricsReporterFreqInMillis": "1000",
        "leaseAssignmentIntervalMillis": "500",
        "inMemoryWorkerMetricsCaptureFrequencyMillis": "250",
        "parentShardPollIntervalMillis": "200",
    }


def test_a_stuck_child_is_found_by_the_heartbeat_so_the_daemon_has_no_timeout() -> None:
    assert "timeoutInSeconds" not in values(AWS) | values(LOCAL)


@pytest.mark.parametrize("settings", [AWS, LOCAL, replace(AWS, retrieval_mode="FANOUT")])
def test_every_key_stands_once_under_a_reason_of_its_own(settings: KclSettings) -> None:
    properties = kcl_properties(settings, "launch gate")
    lines = render_properties(properties).splitlines()
    reasons = {line.split(" = ")[0]: before for before, line in pairwise(lines) if " = " in line}

    assert set(reasons) == {one.key for one in properties}
    assert len(properties) == len(reasons)
    assert len(set(reasons.values())) == len(reasons)
    assert all(reason.startswith("# ") and len(reason) > 10 for reason in reasons.values())


@pytest.mark.parametrize("value", ["back\\slash", "two\nlines", "umläut", " outer blank "])
def test_a_value_that_the_format_would_change_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="streamName"):
        render_properties([Property("streamName", value, "a reason")])


@pytest.mark.parametrize(
    "change", [{"idle_time_ms": 199}, {"max_records": 0}, {"max_records": 10_001}, {"shutdown_grace_ms": 0}]
)
def test_what_kcl_would_silently_take_otherwise_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(AWS, **change)  # type: ignore[arg-type]
