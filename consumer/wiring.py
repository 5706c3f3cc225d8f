"""Puts the parts together. The only place that names concrete adapters; they are made after the fork, in the process that uses them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any, cast

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from consumer.auditing.stream import read_epoch
from consumer.batch import Reader
from consumer.clients import AwsClients
from consumer.deciding import Decider
from consumer.housekeeping import (
    Chore,
    backlog_chore,
    forget_chore,
    keep_house,
    partition_chore,
    relay_chore,
    roll_up_chore,
)
from consumer.kinesis.host_settings import HostSettings
from consumer.kinesis.java import JAVA_OPTIONS, QUICK_JAVA_OPTIONS
from consumer.kinesis.leader_lock import release_leader
from consumer.kinesis.port import Heartbeat, Loaded, ShardProcessor
from consumer.kinesis.properties import KclSettings, local_profile
from consumer.kinesis.shard_count import ShardCount
from consumer.kinesis.warm_start import Outcome, WarmStart
from consumer.kinesis.worker_id import stable_worker_id
from consumer.models.s3 import S3ModelObjects
from consumer.models.serving import Serving, load_serving
from consumer.patience import Patience
from consumer.pipeline import Services, ShardPipeline
from consumer.policies.quarantine import QuarantinePolicy
from consumer.policies.restarts import RestartPolicy
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from consumer.scoring.features import MemoryTerms
from consumer.scoring.scorer import Scorer
from consumer.settings import Settings
from consumer.telemetry.log_stream import log_stream
from consumer.telemetry.measured import MeasuredDeadLetters, MeasuredLake, MeasuredLedger, MeasuredTopic
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.process_meter import open_meter
from schemas.decode import EventTimeBounds
from schemas.position import StreamEpoch
from sinks.alerts.relay import AlertRelay
from sinks.alerts.sns import SnsTopic
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.lake.background import BackgroundThread
from sinks.lake.chunks import CutPolicy
from sinks.lake.s3 import S3Lake
from sinks.ledger.outbox import OutboxTerms, PostgresOutbox
from sinks.ledger.partitions import make_partitions
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.reservations import forget_reservations
from sinks.ledger.roll_up import PostgresRollUp

_log = structlog.get_logger()


def host_settings(settings: Settings) -> HostSettings:
    """Return what the host needs; makes the worker id if there is none yet. Raises ValueError for an unusable one."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    kcl = KclSettings(
        stream_name=settings.stream_name,
        application_name=settings.application_name,
        worker_id=stable_worker_id(settings.state_dir, settings.worker_id),
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        initial_position=settings.initial_position,
        initial_timestamp=settings.initial_timestamp,
        max_records=settings.max_records,
        retrieval_mode="FANOUT" if settings.retrieval == "fan_out" else "POLLING",
        shutdown_grace_ms=settings.shutdown_grace_ms,
        metrics_level="NONE" if settings.is_local else "SUMMARY",
    )
    return HostSettings(
        state_dir=settings.state_dir.resolve(),
        kcl=local_profile(kcl) if settings.fast_failover else kcl,
        stuck_after_s=settings.stuck_after_s,
        daemon_restarts=RestartPolicy(settings.max_restarts, 600.0),
        java_options=QUICK_JAVA_OPTIONS if settings.fast_failover else JAVA_OPTIONS,
    )


def load(settings: Settings, worker_id: str) -> Loaded:
    """Load everything that forked processes share, once; seed the lease table where that is asked for.

    Raises SettingsError, what `scorer_of` raises, and what the AWS clients raise where stream or lease table cannot be reached.
    """
    clients, _ = AwsClients(settings), settings.dsn()  # before anything is loaded: without a ledger nothing can start
    scorer = scorer_of(settings)
    epoch = read_epoch(clients.kinesis, settings.stream_name)
    is_quick = settings.warm_start and _seed_leases(settings, clients, worker_id)
    _ = clients.s3, clients.sns  # made here, used after the fork: what they read from disk is shared
    patience = "about ten seconds" if is_quick else "up to two minutes, unless the application has run before"
    _log.info("waiting_for_shards", patience=patience)
    versions = {"model_version": scorer.model_version, "policy_version": scorer.policy_version}
    _log.info("loaded", stream=settings.stream_name, stream_epoch=epoch, **versions)
    shards = ShardCount()
    return Loaded(
        stream_epoch=epoch,
        make_processor=partial(_make_processor, settings, clients, scorer=scorer, epoch=epoch, shards=shards),
        shards=shards,
        run_housekeeping=partial(_run_housekeeping, settings, clients),
        release_leader=partial(_release_leader, settings, worker_id),
        open_meter=partial(open_meter, settings.application_name, settings.metrics_every_s, log_stream()),
    )


def scorer_of(settings: Settings) -> Scorer:
    """Return what scores as these settings ask: the folder's bundle, else the bucket's as its pointers stand now, else the shipped one.

    The seam for a swap while the consumer runs: called again, it gives what the pointers say then. Raises BundleRefused,
    ModelStoreError and PolicyError for what is refused where nothing may stand in for it, and SinkError where S3 cannot be asked.
    """
    objects = model_objects(settings)
    if settings.model_bundle is not None or objects is None:
        return Scorer(load_bundle(settings.model_bundle or DEFAULT_BUNDLE))
    cache = settings.state_dir / "models"
    return Scorer(load_serving(objects, Serving(settings.model_channel, cache, settings.model_refused)))


def model_objects(settings: Settings) -> S3ModelObjects | None:
    """Return the bucket of the models with a client of its own, so that one made for forked processes stays unused; None without one."""
    return S3ModelObjects(AwsClients(settings).s3, settings.model_bucket) if settings.model_bucket else None


def _seed_leases(settings: Settings, clients: AwsClients, worker_id: str) -> bool:
    """Seed the lease table where that is safe; return whether KCL starts within seconds."""
    start = WarmStart(settings.stream_name, settings.application_name, worker_id, settings.initial_position)
    result = start.seed(cast("Any", clients.dynamodb), cast("Any", clients.kinesis))
    _log.info("warm_start", outcome=result.outcome.value, shards=result.shards)
    return result.outcome in {Outcome.SEEDED, Outcome.TABLE_EXISTS}


def _release_leader(settings: Settings, worker_id: str) -> None:
    try:
        dynamodb = cast("Any", AwsClients(settings).dynamodb)  # a client of its own: the host may have used the other
        is_released = release_leader(dynamodb, settings.application_name, worker_id)
    except (BotoCoreError, ClientError) as error:
        _log.warning(
            "leader_lock_kept",
            error=str(error),
            remedy="none needed: it is free two minutes after the last daemon's end",
        )
    else:
        _log.info("leader_lock_released", was_ours=is_released)


def reader_of(settings: Settings) -> Reader:
    """Return what reads records as these settings ask: with bounds on the event time, or without."""
    is_bounded = settings.event_time_check
    return Reader(EventTimeBounds(settings.event_time_before, settings.event_time_after) if is_bounded else None)


def _make_processor(
    settings: Settings,
    clients: AwsClients,
    heartbeat: Heartbeat,
    metrics: Metrics,
    *,
    scorer: Scorer,
    epoch: StreamEpoch,
    shards: ShardCount,
) -> ShardProcessor:
    ledger = PostgresLedger(settings.dsn(), dedup_horizon=settings.dedup_horizon)
    services = Services(
        ledger=MeasuredLedger(ledger, metrics, _now),
        lake=MeasuredLake(S3Lake(clients.s3, settings.lake_bucket), metrics),
        dead_letters=MeasuredDeadLetters(S3DeadLetters(clients.s3, settings.dead_letter_bucket), metrics),
        decider=Decider(
            scorer,
            version("fraudstream"),
            settings.dedup_horizon,
            memory_terms=MemoryTerms(settings.history_transactions, share_of=shards.share_of),
        ),
        reader=reader_of(settings),
        retry=Patience(lambda waits_for: heartbeat.beat(waits_for=waits_for), metrics=metrics),
        now=_now,
        steady_s=time.monotonic,
        new_chunk_id=lambda: uuid.uuid4().hex,
        report=lambda facts: heartbeat.beat(waits_for=None, **facts),
        metrics=metrics,
        background=BackgroundThread(heartbeat.beat),
        chunk_share_bytes=partial(shards.share_of, settings.chunk_memory_bytes),
    )
    cut = CutPolicy(settings.chunk_max_age_s, max_rows=settings.chunk_max_rows, max_bytes=settings.chunk_max_bytes)
    quarantine = QuarantinePolicy(
        settings.quarantine_max_consecutive, settings.quarantine_max_ratio, settings.quarantine_window
    )
    return ShardPipeline(epoch, services, cut, quarantine)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Told:
    """The relay as a chore: how many alerts left is how much there was to do."""

    relay: AlertRelay

    def __call__(self) -> int:
        return self.relay.relay_once().sent


def _run_housekeeping(
    settings: Settings, clients: AwsClients, heartbeat: Heartbeat, metrics: Metrics, should_stop: Callable[[], bool]
) -> None:
    dsn = settings.dsn()
    outbox = PostgresOutbox(dsn, OutboxTerms(max_age=settings.alert_max_age))
    chores: list[Chore] = [
        partition_chore(partial(make_partitions, dsn)),
        backlog_chore(outbox, metrics),
        roll_up_chore(PostgresRollUp(dsn), metrics),
        forget_chore(partial(forget_reservations, dsn), settings.reservation_retention),
    ]
    if settings.topic_arn is None:
        _log.warning("alerts_not_relayed", remedy="set FRAUDSTREAM_TOPIC_ARN; until then alerts wait in the outbox")
    else:
        topic = MeasuredTopic(SnsTopic(clients.sns, settings.topic_arn), metrics)
        chores.append(relay_chore(_Told(AlertRelay(outbox, topic))))
    keep_house(chores, heartbeat, should_stop, metrics=metrics)
