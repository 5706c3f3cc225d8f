"""Real sinks that outlive workers: PostgreSQL, and S3 of the embedded AWS for the lake and the dead letters. For tests of data faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import uuid4

from consumer.auditing.objects import Bucket
from consumer.batch import Reader
from consumer.deciding import Decider
from consumer.patience import Patience
from consumer.pipeline import Services, ShardPipeline
from consumer.policies.backoff import Backoff
from consumer.policies.quarantine import QuarantinePolicy
from consumer.scoring.scorer import Scorer
from infra.local.environment import LocalEnvironment
from schemas.position import Position, ShardId, StreamPosition, StreamRecord
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.lake.chunks import CutPolicy
from sinks.lake.s3 import S3Lake
from sinks.ledger.migrations import migrate
from sinks.ledger.postgres import PostgresLedger
from tests.contract.databases import empty_database, execute
from tests.effects import Effects, audited, effects_of
from tests.pipeline_builders import EPOCH, NOW, SCORER, SHARD, an_event

OTHER_SHARD = ShardId("shardId-000000000001")


def a_record(
    number: int, data: bytes | None = None, *, shard_id: ShardId = SHARD, arrival_time: datetime = NOW
) -> StreamRecord:
    """A record; by default an event of its own."""
    event = an_event(f"t-{number}") if data is None else data
    return StreamRecord(event, "u-1", StreamPosition(EPOCH, shard_id, number), arrival_time)


@dataclass
class Owner:
    """A worker of one shard; remembers its last checkpoint."""

    pipeline: ShardPipeline
    world: RealWorld
    shard_id: ShardId

    def process(self, *records: StreamRecord) -> None:
        """Take one batch."""
        self.world.publish(records)
        self.pipeline.process(records, 0, self)

    def stop(self) -> None:
        """Close the open chunk."""
        self.pipeline.shutdown_requested(self)

    def checkpoint(self, position: Position) -> None:
        self.world.checkpoints[self.shard_id] = position

    def checkpoint_shard_end(self) -> None:
        raise AssertionError("these shards do not end")


@dataclass
class RealWorld:
    """A migrated database with partitions around `NOW`, and two empty buckets."""

    environment: LocalEnvironment
    now: datetime = NOW
    """What the workers' clock shows."""
    database_url: str = field(default_factory=empty_database)
    published: dict[StreamPosition, StreamRecord] = field(default_factory=dict)
    checkpoints: dict[ShardId, Position] = field(default_factory=dict)
    waits: int = 0
    """How often a worker waited for a sink."""

    def __post_init__(self) -> None:
        migrate(self.database_url, NOW)
        self._s3, self._lake, self._letters = self.environment.client("s3"), f"lake-{uuid4()}", f"letters-{uuid4()}"
        for bucket in (self._lake, self._letters):
            self._s3.create_bucket(Bucket=bucket)
        self._ledgers: list[PostgresLedger] = []
        self._chunk_ids = count()

    def close(self) -> None:
        """Close what workers opened."""
        for ledger in self._ledgers:
            ledger.close()

    def owner(
        self,
        shard_id: ShardId = SHARD,
        *,
        reader: Reader | None = None,
        quarantine: QuarantinePolicy | None = None,
        scorer: Scorer = SCORER,
        ledger: PostgresLedger | None = None,
    ) -> Owner:
        """A new worker with a connection of its own, started at the shard's checkpoint."""
        ledger = ledger or PostgresLedger(self.database_url)
        self._ledgers.append(ledger)
        services = Services(
            ledger=ledger,
            lake=S3Lake(self._s3, self._lake),
            dead_letters=S3DeadLetters(self._s3, self._letters),
            decider=Decider(scorer, "test", now=lambda: self.now),
            reader=reader or Reader(),
            retry=Patience(self._note_wait, Backoff(base_s=0.01, cap_s=0.05)),
            now=lambda: self.now,
            steady_s=lambda: 0.0,
            new_chunk_id=lambda: f"chunk-{next(self._chunk_ids)}",
            report=lambda _: None,
        )
        pipeline = ShardPipeline(EPOCH, services, CutPolicy(), quarantine or QuarantinePolicy())
        pipeline.initialize(shard_id, self.checkpoints.get(shard_id))
        return Owner(pipeline, self, shard_id)

    def publish(self, records: Sequence[StreamRecord]) -> None:
        """Note that the stream holds these."""
        self.published.update((record.position, record) for record in records)

    def execute(self, statement: bytes) -> list[tuple[object, ...]]:
        """Execute one statement as the database's owner."""
        return execute(self.database_url, statement)

    def effects(self) -> Effects:
        """Read everything back."""
        letters = S3DeadLetters(self._s3, self._letters).letters()
        return effects_of(self.database_url, Bucket(self._s3, self._lake), letters)

    def refusals(self) -> dict[int, str]:
        """Reasons by sequence number; each refusal has its dead letter."""
        effects = self.effects()
        assert {p: r.reason for p, r in effects.refusals.items()} == {
            p: one.reason for p, one in effects.letters.items()
        }
        return {position.sequence_number: refusal.reason for position, refusal in effects.refusals.items()}

    def decided(self) -> list[int]:
        """Sequence numbers of the records that the ledger decided, in order."""
        return [decision.position.sequence_number for decision in self.effects().decisions]

    def in_lake(self) -> list[int]:
        """Sequence numbers of the lake's rows, in order, repetitions included."""
        return sorted(int(row.values["sequence_number"]) for row in self.effects().lake)

    def audit(self) -> list[str]:
        """What the product's audit finds once all workers are stopped."""
        published = sorted(self.published.values(), key=lambda record: record.position)
        return audited(published, self.checkpoints, self.effects())

    def _note_wait(self, _: str) -> None:
        self.waits += 1
