"""The daemon's properties file: every key that we set, with the reason why, made from one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

_UNSAFE = frozenset("\\\n\r")


@dataclass(frozen=True, slots=True)
class KclSettings:
    """What the Kinesis Client Library is told. The defaults are those for AWS; `local_profile` has the ones for emulators."""

    stream_name: str
    application_name: str
    worker_id: str
    region: str
    endpoint_url: str | None = None
    initial_position: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] = "TRIM_HORIZON"
    initial_timestamp: datetime | None = None
    retrieval_mode: Literal["POLLING", "FANOUT"] = "POLLING"
    max_records: int = 5000
    idle_time_ms: int = 200
    failover_ms: int = 10_000
    shutdown_grace_ms: int = 90_000
    worker_metrics_report_ms: int = 10_000
    lease_assignment_ms: int | None = None
    worker_metrics_capture_ms: int | None = None
    parent_shard_poll_ms: int | None = None
    metrics_level: Literal["NONE", "SUMMARY", "DETAILED"] = "SUMMARY"

    def __post_init__(self) -> None:
        """Refuse what KCL would take and then do something else with."""
        if self.idle_time_ms < 200:  # noqa: PLR2004 - KCL's own floor
            raise ValueError(f"idle_time_ms={self.idle_time_ms}: KCL reads no shard more often than every 200 ms")
        if not 1 <= self.max_records <= 10_000:  # noqa: PLR2004 - the limit of GetRecords
            raise ValueError(f"max_records={self.max_records} must be 1..10000, the limit of GetRecords")
        if self.shutdown_grace_ms <= 0:
            raise ValueError("shutdown_grace_ms=0 means no graceful stop at all; give at least a few seconds")
        if self.initial_position == "AT_TIMESTAMP" and self.initial_timestamp is None:
            raise ValueError("initial_position=AT_TIMESTAMP needs an initial_timestamp")


def local_profile(settings: KclSettings) -> KclSettings:
    """Return the settings with the fast values for emulators: a failover in 3 s, children of a split in 3 s, no CloudWatch."""
    return replace(
        settings,
        failover_ms=3000,
        shutdown_grace_ms=20_000,
        worker_metrics_report_ms=1000,
        lease_assignment_ms=500,
        worker_metrics_capture_ms=250,
        parent_shard_poll_ms=200,
        metrics_level="NONE",
    )


class Property(NamedTuple):
    """One key of the file, its value (None: not set) and the reason."""

    key: str
    value: str | int | None
    why: str


def kcl_properties(settings: KclSettings, executable: str) -> list[Property]:
    """Return the properties in the order of the file. `executable` is split on blanks by the daemon, without any quoting."""
    properties = [*_identity(settings, executable), *_reading(settings), *_leases(settings)]
    return [one for one in properties if one.value is not None]


def _identity(settings: KclSettings, executable: str) -> list[Property]:
    return [
        Property("executableName", executable, "one launcher a shard; split on blanks, so it holds none of its own"),
        Property("processingLanguage", "python", "only shown in the user agent"),
        Property("streamName", settings.stream_name, "the stream to read"),
        Property(
            "applicationName", settings.application_name, "names the lease table: another name starts from scratch"
        ),
        Property("workerId", settings.worker_id, "stable a container: a restart resumes its own leases within seconds"),
        Property("regionName", settings.region, "where stream and lease table live"),
        Property("AwsCredentialsProvider", "DefaultCredentialsProvider", "task role in AWS, environment elsewhere"),
        Property("kinesisEndpoint", settings.endpoint_url, "an emulator; HTTP/2 without TLS where it is http://"),
        Property("dynamoDBEndpoint", settings.endpoint_url, "the same emulator for the lease table"),
    ]


def _reading(settings: KclSettings) -> list[Property]:
    return [
        _start(settings),
        Property("retrievalMode", settings.retrieval_mode, "the default is paid fan-out unless a polling key is set"),
        *(_polling(settings) if settings.retrieval_mode == "POLLING" else _fan_out(settings)),
        Property(
            "callProcessRecordsEvenForEmptyRecordList",
            "true",
            "the tick: chunks close by age, and the daemon notices a dead worker of an idle shard",
        ),
        Property(
            "metricsLevel", settings.metrics_level, "SUMMARY is what the alarms need; NONE where no CloudWatch is"
        ),
    ]


def _polling(settings: KclSettings) -> list[Property]:
    return [
        Property("maxRecords", settings.max_records, "a batch at most, before aggregated records are split"),
        Property("idleTimeBetweenReadsInMillis", settings.idle_time_ms, "put to worker p50 103 ms at 200, 617 at 1000"),
    ]


def _fan_out(settings: KclSettings) -> list[Property]:
    """KCL registers the consumer itself, and never takes it back: who leaves fan-out for good deregisters it."""
    return [
        Property(
            "fanoutConfig.consumerName",
            settings.application_name,
            "KCL registers it at the stream; one for each application",
        )
    ]


def _start(settings: KclSettings) -> Property:
    """KCL's two keys set the same field. The extended one takes whole seconds of the epoch and means AT_TIMESTAMP."""
    if settings.initial_position == "AT_TIMESTAMP" and settings.initial_timestamp is not None:
        seconds = int(settings.initial_timestamp.timestamp())
        return Property("initialPositionInStreamExtended", seconds, "shards without a checkpoint: from this arrival on")
    return Property(
        "initialPositionInStream", settings.initial_position, "for shards without a checkpoint; all is wanted"
    )


def _leases(settings: KclSettings) -> list[Property]:
    return [
        Property("failoverTimeMillis", settings.failover_ms, "a lease is taken over after this; a stop takes 2 s more"),
        Property(
            "shutdownGraceMillis", settings.shutdown_grace_ms, "0, the default, is no graceful stop; below stopTimeout"
        ),
        Property(
            "workerMetricsReporterFreqInMillis",
            settings.worker_metrics_report_ms,
            "a worker that stopped counts as active for twice this",
        ),
        Property(
            "skipShardSyncAtWorkerInitializationIfLeasesExist",
            "true",
            "switches off the filter that drops aggregates whole, once it knows the shard: every record is delivered, always",
        ),
        Property("leaseAssignmentIntervalMillis", settings.lease_assignment_ms, "new shards get a worker sooner"),
        Property(
            "inMemoryWorkerMetricsCaptureFrequencyMillis",
            settings.worker_metrics_capture_ms,
            "must be shorter than the report above",
        ),
        Property(
            "parentShardPollIntervalMillis", settings.parent_shard_poll_ms, "children of a split start in 3 s, not 27"
        ),
    ]


def render_properties(properties: list[Property]) -> str:
    """Return the file's text: each key under its reason. Raises ValueError for a value that the format would change."""
    return "# Generated at every start; changes are overwritten.\n" + "".join(_rendered(one) for one in properties)


def _rendered(one: Property) -> str:
    text = str(one.value)
    if not text.isascii() or text != text.strip() or _UNSAFE & set(text):
        raise ValueError(
            f"{one.key}={text!r}: a property must be plain ASCII without backslash, line end or outer blanks"
        )
    return f"\n# {one.why}\n{one.key} = {text}\n"
