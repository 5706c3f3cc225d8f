"""One deployment in a local environment: own stream, buckets, topic, queue and database, and as many consumers as are asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence
from consumer.auditing.gather import gather
from consumer.auditing.report import AuditReport
from consumer.auditing.stream import checkpoints_of, read_leases, read_shards
from consumer.chaos.consumer_process import ConsumerProcess
from consumer.chaos.waiting import PATIENCE_S, BrokenPromiseError, wait_until
from consumer.scoring.bundle import DEFAULT_BUNDLE, POLICY_FILE
from consumer.scoring.policy import parse_policy
from consumer.settings import Settings, settings_from
from infra.local.environment import LocalEnvironment
from infra.local.postgres.proxy import PostgresProxy
from infra.local.provision import ResourceNames, provision
from infra.local.up import resource_variables
from producers.kinesis import Publisher, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
from schemas.position import Position, ShardId
from sinks.ledger.migrations import migrate
from sinks.ledger.reader import LedgerReader

_CLAIM_S = 150.0
"""An alert whose relay was killed in the middle waits for its claim to expire: two minutes."""


class Deployment:
    """Consumers come and go; everything else outlives them. They reach PostgreSQL through `proxy`, the rest of us directly."""

    def __init__(self, environment: LocalEnvironment, folder: Path, *, shards: int, **settings: str) -> None:
        self.environment, self.folder = environment, folder
        self.name = f"s{uuid.uuid4().hex[:10]}"
        parts = ("stream", "lake_bucket", "dead_letter_bucket", "model_bucket", "topic", "queue")
        names = ResourceNames(**{part: f"{self.name}-{part.replace('_', '-')}" for part in parts})
        self.resources = provision(environment, names, shards=shards)
        self.database_url = _make_database(environment.database_url, self.name)
        migrate(self.database_url, datetime.now(UTC))
        self.proxy = PostgresProxy(self.database_url)
        self.variables = {
            **environment.environment(),
            **resource_variables(self.resources),
            "DATABASE_URL": self.proxy.dsn,
            "FRAUDSTREAM_APPLICATION_NAME": self.name,
            "FRAUDSTREAM_STATE_DIR": str(folder),
            "FRAUDSTREAM_WARM_START": "true",
            "FRAUDSTREAM_FAST_FAILOVER": "true",
            "FRAUDSTREAM_CHUNK_MAX_AGE_S": "3",
            "FRAUDSTREAM_MAX_RESTARTS": "20",
            **settings,
        }
        self.publisher = Publisher(environment.client("kinesis"), self.resources.stream_name)
        self.publishing = PublisherSettings()
        self.reader = LedgerReader(self.database_url)
        self.consumers = [ConsumerProcess(folder, lambda: self.variables)]
        self.kinesis, self._dynamodb = environment.client("kinesis"), environment.client("dynamodb")
        self._bundles = [DEFAULT_BUNDLE]
        self._events = simulate(SimulationSettings(run_id=self.name), clock=lambda: datetime.now(UTC))

    @property
    def consumer(self) -> ConsumerProcess:
        """The first consumer: the only one, unless more were added."""
        return self.consumers[0]

    @property
    def settings(self) -> Settings:
        """The settings that a consumer has, but with the direct way to PostgreSQL."""
        return settings_from({**self.variables, "DATABASE_URL": self.database_url})

    def add_consumer(self) -> ConsumerProcess:
        """Return one more consumer, not started: another container of the same service."""
        state_dir = self.folder / f"consumer-{len(self.consumers) + 1}"
        self.consumers.append(ConsumerProcess(state_dir, lambda: self.variables))
        return self.consumers[-1]

    def remove_consumer(self, consumer: ConsumerProcess) -> None:
        """Stop a consumer for good. Raises BrokenPromiseError where it does not end as it should."""
        code = consumer.stop()
        self.consumers.remove(consumer)
        if code != 0:
            raise BrokenPromiseError(f"a consumer ended with {code}: {consumer.tail()}")

    def use_bundle(self, bundle: Path) -> None:
        """Let the next start take this model bundle; the audit knows its policy from now on."""
        self._bundles.append(bundle)
        self.variables["FRAUDSTREAM_MODEL_BUNDLE"] = str(bundle)

    def events(self, number: int) -> list[dict[str, Any]]:
        """Return simulated events, stamped now."""
        return [next(self._events).event for _ in range(number)]

    def records(self, number: int) -> list[OutgoingRecord]:
        """Return the same as records."""
        return [record_of(event) for event in self.events(number)]

    def publish(self, records: Sequence[OutgoingRecord]) -> list[PlacedRecord]:
        """Publish records."""
        return self.publisher.publish(records)

    def decided(self) -> int:
        """How many verdicts there are."""
        counts = self.reader.counts()
        return counts.decisions + counts.refusals

    def wait_decided(self, number: int) -> float:
        """Wait until there are so many verdicts."""
        return wait_until(lambda: self.decided() >= number, f"{number} verdicts; there are {self.decided()}")

    def wait_told(self) -> None:
        """Wait until the outbox is empty."""
        wait_until(lambda: (c := self.reader.counts()).alerts == c.alerts_sent, "every alert told", _CLAIM_S)

    def wait_checkpointed(self, ends: dict[str, int], patience_s: float = PATIENCE_S) -> None:
        """Wait until the checkpoint of each shard that the stream still has passed the sequence number given for it."""

        def is_passed() -> bool:
            leases = read_leases(self._dynamodb, self.variables["FRAUDSTREAM_APPLICATION_NAME"])
            shards = read_shards(self.kinesis, self.resources.stream_name)
            checkpoints, there = checkpoints_of(leases, shards), {shard.shard_id for shard in shards}
            judged = [(ShardId(shard), end) for shard, end in ends.items() if shard in there]
            return all(_is_passed(checkpoints.get(shard), end) for shard, end in judged)

        wait_until(is_passed, "checkpoints behind the last record of every shard", patience_s)

    def open_shards(self) -> list[Any]:
        """Return the shards that take records, as the API describes them, in the order of their hash keys."""
        shards = self.kinesis.list_shards(StreamName=self.resources.stream_name)["Shards"]
        still_open = [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]
        return sorted(still_open, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    def lease_owners(self) -> dict[str, str]:
        """Return who owns which shard that is not read to its end."""
        table = self.variables["FRAUDSTREAM_APPLICATION_NAME"]
        items = self._dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        live = [item for item in items if "leaseOwner" in item and item.get("checkpoint", {}).get("S") != "SHARD_END"]
        return {str(item["leaseKey"]["S"]): str(item["leaseOwner"]["S"]) for item in live}

    def evidence(self) -> Evidence:
        """Everything that an audit compares."""
        policies = [parse_policy((bundle / POLICY_FILE).read_text()) for bundle in self._bundles]
        evidence = gather(self.settings)
        return replace(evidence, policies={**evidence.policies, **{policy.version: policy for policy in policies}})

    def audit(self) -> AuditReport:
        """Compare everything."""
        return audit(self.evidence())

    def close(self) -> None:
        """Leave nothing running."""
        for consumer in self.consumers:
            consumer.kill()
        self.proxy.close()
        self.reader.close()


@contextmanager
def a_deployment(environment: LocalEnvironment, folder: Path, *, shards: int, **settings: str) -> Iterator[Deployment]:
    """Give a deployment whose processes do not outlive the context."""
    deployment = Deployment(environment, folder, shards=shards, **settings)
    try:
        yield deployment
    finally:
        deployment.close()


def record_of(event: dict[str, Any]) -> OutgoingRecord:
    """Return the event as a record under its user."""
    return OutgoingRecord(msgspec.json.encode(event), str(event["user_id"]))


def _is_passed(checkpoint: Position | str | None, end: int) -> bool:
    return checkpoint == "SHARD_END" or (isinstance(checkpoint, Position) and checkpoint.sequence_number >= end)


def _make_database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return make_conninfo(url, dbname=name)
