"""Every kind of fault by its name."""

from __future__ import annotations

from consumer.chaos import database_faults as database
from consumer.chaos import lease_faults as leases
from consumer.chaos import process_faults as processes
from consumer.chaos import shard_faults as shards
from consumer.chaos import sink_faults as sinks
from consumer.chaos import start_faults as starts
from consumer.chaos import stream_faults as streams
from consumer.chaos import traffic_faults as traffic
from consumer.chaos.fault import Fault

_ALL: tuple[type[Fault], ...] = (
    processes.KillWorker,
    processes.KillLauncher,
    processes.KillDaemon,
    processes.KillHost,
    processes.KillHousekeeping,
    processes.LogFull,
    leases.PauseNonLeader,
    leases.PauseLeader,
    leases.ShareLeases,
    shards.Split,
    shards.Merge,
    shards.UpdateShardCount,
    database.PostgresStopped,
    database.PostgresCrashed,
    database.PostgresReadOnly,
    database.CommitAnswerLost,
    database.CommitCut,
    database.RelayAnswerLost,
    database.RelayCommitCut,
    database.LockTimeout,
    database.PostgresBlackHole,
    traffic.PostgresAway,
    sinks.S3InternalError,
    sinks.S3SlowDown,
    sinks.S3Conflict,
    sinks.S3AnswerLost,
    sinks.S3Slow,
    sinks.S3TimeoutLanded,
    sinks.SnsThrottled,
    sinks.SnsPartlyFailed,
    sinks.SnsAnswerLost,
    sinks.SnsAway,
    streams.CheckpointsThrottled,
    streams.DynamodbAway,
    streams.KinesisThrottled,
    streams.KinesisFailing,
    streams.IteratorsExpired,
    streams.PutsPartlyFailed,
    traffic.ProducerDisorder,
    starts.Deploy,
    starts.NewApplication,
    starts.StartAtTimestamp,
    starts.StartAfterTrim,
)
CATALOGUE: dict[str, type[Fault]] = {kind.kind(): kind for kind in _ALL}
QUICK = tuple(kind for kind in _ALL if not kind.is_long)
"""What strikes and recovers within a minute: the pool that is drawn from unless kinds are named."""
