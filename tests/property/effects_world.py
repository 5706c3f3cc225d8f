"""The world of a schedule: stream, leases, buckets, ledger, clocks, and every process that ever touched them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from consumer.batch import Reader
from consumer.deciding import Decider
from consumer.kinesis.pipe import DaemonGone
from consumer.kinesis.protocol import ProtocolError
from consumer.patience import Patience
from consumer.pipeline import Services, ShardPipeline
from consumer.policies.backoff import Backoff
from consumer.policies.quarantine import QuarantineLimitExceeded
from schemas.position import Position, ShardId, StreamRecord
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.lake.background import at_once
from sinks.lake.s3 import S3Lake
from tests.property.beside import beside
from tests.property.effects_deploys import DEPLOYS, Deploy, scorers
from tests.property.effects_kcl import Consumer
from tests.property.effects_leases import Lease, Violation
from tests.property.effects_ledger import Database, WatchedLedger
from tests.property.effects_process import Died, Process
from tests.property.effects_relay import start_relay
from tests.property.effects_s3 import MemoryBucket, ScriptedS3
from tests.property.effects_schedule import Schedule
from tests.property.effects_stream import EPOCH, PARENTS, SHARDS, START, published

VERSION = "1.2.3"
_NO_WAIT = Backoff(1e-12, 1e-12)


class World:
    """What exists, and how new processes come into it. What happens to them is in `effects_steps`."""

    def __init__(self, schedule: Schedule, database: Database) -> None:
        self.database, self.is_split = database, schedule.is_split
        self._puts_beside = schedule.puts_beside
        self.stream = published(schedule.sent, is_split=schedule.is_split)
        self._by_shard = {shard: [r for r in self.stream if r.position.shard_id == shard] for shard in SHARDS}
        self.lake, self.letters = MemoryBucket(), MemoryBucket()
        self.received: list[dict[str, Any]] = []
        self.leases = {shard: Lease(shard, 0) for shard in self.shards}
        self.trimmed = dict.fromkeys(self.shards, 0)
        self.consumers: list[Consumer] = []
        self.relays: list[Process] = []
        self._ledgers: dict[Consumer, WatchedLedger] = {}
        self.owed: set[StreamRecord] = set()
        self.counts: Counter[str] = Counter()
        self.story: list[str] = []
        self.now, self.steady_s = START, 0.0
        self._chunk_ids = count()

    @property
    def shards(self) -> Sequence[ShardId]:
        """The shards that have records, parents first."""
        return [shard for shard in SHARDS if self._by_shard[shard]]

    def shard(self, shard_id: ShardId) -> Sequence[StreamRecord]:
        """See `effects_kcl.World`."""
        return self._by_shard[shard_id]

    def is_closed(self, shard_id: ShardId) -> bool:
        """See `effects_kcl.World`."""
        return self.is_split and shard_id in PARENTS.values()

    def begin(self, lease: Lease) -> int:
        """See `effects_kcl.World`."""
        checkpoint, trimmed = lease.checkpoint, self.trimmed[lease.shard_id]
        if not isinstance(checkpoint, Position):
            return max(lease.start, trimmed)
        passed = sum(record.position.within_shard <= checkpoint for record in self.shard(lease.shard_id))
        return max(passed, trimmed)

    def is_end_of_chunk(self, shard_id: ShardId, position: Position) -> bool:
        """See `effects_kcl.World`."""
        end = str(position.sequence_number)
        standing = self.lake.objects.items()
        return any(f"/{shard_id}/" in key and stored.metadata["end-sequence-number"] == end for key, stored in standing)

    def fired(self, fault: str) -> None:
        """See `effects_kcl.World`."""
        self.counts[fault] += 1

    def tell(self, what: str) -> None:
        """Add to the story, for whoever reads a failure."""
        self.story.append(what)

    def may_start(self, lease: Lease) -> bool:
        """Whether KCL would begin the shard: it has not ended, and its parent has."""
        parent = self.leases.get(PARENTS[lease.shard_id]) if self.is_split and lease.shard_id in PARENTS else None
        return lease.checkpoint != "SHARD_END" and (parent is None or parent.checkpoint == "SHARD_END")

    def living(self) -> list[Consumer]:
        """Consumers whose worker runs."""
        return [consumer for consumer in self.consumers if consumer.is_alive]

    def start(self, lease: Lease, deploy: Deploy) -> Consumer:
        """Give the lease to a new process; its owner so far goes on without it."""
        consumer = Consumer(f"w{len(self.consumers)}", self, lease)
        self.tell(f"{consumer.name} starts on {lease.shard_id[-1]} from {lease.checkpoint} as {DEPLOYS.index(deploy)}")
        consumer.start_worker(self.tell, lambda process: self._pipeline(consumer, process, deploy))
        self.consumers.append(consumer)
        lease.owner = consumer
        return consumer

    def end_session(self, consumer: Consumer) -> None:
        """Let PostgreSQL end the session of a worker that stands inside its transaction."""
        backend_pid = self._ledgers[consumer].wire.backend_pid
        if backend_pid is not None:
            self.fired("end session: inside commit")
            self.database.end_session(backend_pid)

    def start_relay(self) -> Process:
        """Start a relay."""
        name = f"r{len(self.relays)}"
        self.relays.append(start_relay(name, self.tell, self.database, self.received, self.fired))
        return self.relays[-1]

    def check(self, consumer: Consumer) -> None:
        """Raise Violation if the worker ended as no worker should."""
        error = consumer.process.error
        if not consumer.process.is_over or error is None or isinstance(error, Died | DaemonGone):
            return
        self.tell(f"{consumer.name} ends: {error!r}")
        is_lost_at_the_end = isinstance(error, ProtocolError) and not consumer.is_owner and consumer.has_ended
        if not is_lost_at_the_end and not isinstance(error, QuarantineLimitExceeded):
            raise Violation(f"{consumer.name} ended by {error!r}") from error
        self.fired("quarantine" if isinstance(error, QuarantineLimitExceeded) else "lease lost at the shard's end")

    def close(self) -> None:
        """End every process."""
        for consumer in self.consumers:
            consumer.release()
        for relay in self.relays:
            relay.kill()

    def _pipeline(self, consumer: Consumer, process: Process, deploy: Deploy) -> ShardPipeline:
        ledger = WatchedLedger(self.database, process, self.fired, deploy.horizon)
        self._ledgers[consumer] = ledger
        services = Services(
            ledger=ledger,
            lake=S3Lake(self._s3(self.lake, process, "put"), "lake"),
            dead_letters=S3DeadLetters(self._s3(self.letters, process, "letter"), "letters"),
            decider=Decider(scorers()[deploy.scorer], VERSION, deploy.horizon, lambda: self.now, deploy.memory),
            reader=Reader(deploy.bounds),
            retry=Patience(lambda _: process.pause("waits"), _NO_WAIT),
            now=self._tick,
            steady_s=lambda: self.steady_s,
            new_chunk_id=lambda: f"{process.name}-{next(self._chunk_ids)}",
            report=lambda _: None,
            background=beside(Random(process.name)) if self._puts_beside else at_once,
        )
        return ShardPipeline(EPOCH, services, deploy.cut, deploy.quarantine)

    def _s3(self, bucket: MemoryBucket, process: Process, call: str) -> Any:
        return ScriptedS3(bucket, process, call, self.fired)

    def _tick(self) -> datetime:
        """Every batch takes a second."""
        self.now += timedelta(seconds=1)
        self.steady_s += 1
        return self.now
