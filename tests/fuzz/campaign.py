"""Cases on their way through the real pipeline: three shards, restarts that deliver again, PostgreSQL, Parquet on the embedded S3."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count, islice
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from consumer.batch import Reader
from consumer.deciding import Decider
from consumer.letters import stored_bytes
from consumer.patience import Patience
from consumer.pipeline import Services, ShardPipeline
from consumer.policies.quarantine import QuarantinePolicy
from schemas.decode import EventTimeBounds
from schemas.position import Position, ShardId, StreamPosition, StreamRecord
from schemas.transaction import Received
from sinks.dead_letters.memory import MemoryDeadLetters
from sinks.lake.chunks import CutPolicy
from sinks.lake.s3 import S3Lake
from sinks.ledger.postgres import PostgresLedger
from sinks.port import Refusal
from tests.builders import NOW
from tests.fuzz.cases import Case
from tests.pipeline_builders import EPOCH, SCORER

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SHARDS = (ShardId("shardId-000000000000"), ShardId("shardId-000000000001"), ShardId("shardId-000000000002"))
HISTORY = SHARDS[2]
"""The shard that takes events of any time, so that the default partition is met too."""
_CUT = CutPolicy(max_rows=2_000, max_records=6_000)
_NEVER = QuarantinePolicy(max_consecutive=10**9, max_ratio=1.0)
_FIRST_ARRIVAL = NOW + timedelta(minutes=1)
_LARGEST_BATCH = 300
_RESTARTS = 0.1


class Timed(NamedTuple):
    """The CPU time that one record took to be decoded and, if refused, to have its card numbers masked; no collection of garbage in it."""

    millis: float
    number: int


class TimedReader(Reader):
    """Reads as ever, and takes the time."""

    def __init__(self, bounds: EventTimeBounds | None, times: list[Timed]) -> None:
        super().__init__(bounds)
        object.__setattr__(self, "times", times)

    times: list[Timed]

    def read(self, record: StreamRecord) -> Received | Refusal:
        with _no_garbage_collection():
            start = time.process_time_ns()
            read = super().read(record)
            if isinstance(read, Refusal):
                stored_bytes(read, record)
            self.times.append(Timed((time.process_time_ns() - start) / 1e6, record.position.sequence_number))
        return read


@dataclass
class Sinks:
    """Where the effects of a campaign stand."""

    ledger: PostgresLedger
    lake: S3Lake
    dead_letters: MemoryDeadLetters = field(default_factory=MemoryDeadLetters)


class Shard:
    """One shard and the worker that owns it now; keeps what a restart would deliver again."""

    def __init__(self, shard_id: ShardId, new_worker: Callable[[], ShardPipeline]) -> None:
        self.shard_id, self._new_worker = shard_id, new_worker
        self.reached: Position | None = None
        self._unsaved: list[StreamRecord] = []
        self._worker = self._start()

    def deliver(self, records: Sequence[StreamRecord]) -> None:
        """Give the worker a batch."""
        self._unsaved += records
        self._worker.process(records, 0, self)

    def restart(self) -> None:
        """Forget the worker without a word, and deliver to the next one whatever was not checkpointed."""
        self._worker = self._start()
        if self._unsaved:
            self._worker.process(list(self._unsaved), 0, self)

    def stop(self) -> None:
        """Let the worker close its chunk."""
        self._worker.shutdown_requested(self)

    def checkpoint(self, position: Position) -> None:
        self.reached = position
        self._unsaved = [record for record in self._unsaved if record.position.within_shard > position]

    def checkpoint_shard_end(self) -> None:
        raise AssertionError("the shards of a campaign do not end")

    def _start(self) -> ShardPipeline:
        worker = self._new_worker()
        worker.initialize(self.shard_id, self.reached)
        return worker


class Campaign:
    """Delivers cases in batches of chance, each shard its own, and remembers what it delivered."""

    def __init__(self, sinks: Sinks, seed: int) -> None:
        self.times: list[Timed] = []
        self.published: list[StreamRecord] = []
        self._sinks, self._rng, self._chunk_ids = sinks, Random(f"campaign {seed}"), count()
        self.shards = [Shard(shard_id, partial(self._new_worker, shard_id)) for shard_id in SHARDS]

    def run(self, cases: Iterable[Case]) -> None:
        """Deliver every case, restart now and then, stop in the end. An error names the cases of its batch."""
        for batch in self._batches(iter(cases)):
            shard = self._rng.choice(self.shards)
            records = [record_of(case, shard.shard_id) for case in batch]
            self.published += records
            try:
                shard.deliver(records)
                if self._rng.random() < _RESTARTS:
                    self._rng.choice(self.shards).restart()
            except Exception as error:
                lost = f"--seed {batch[0].seed} --first {batch[0].number} --count {len(batch)}"
                raise AssertionError(f"the pipeline broke on python -m tests.fuzz {lost}") from error
        for shard in self.shards:
            shard.stop()

    def checkpoints(self) -> dict[ShardId, Position]:
        """Return how far each shard that had a record is checkpointed."""
        return {shard.shard_id: shard.reached for shard in self.shards if shard.reached is not None}

    def _batches(self, cases: Iterator[Case]) -> Iterator[list[Case]]:
        while batch := list(islice(cases, self._rng.randint(1, _LARGEST_BATCH))):
            yield batch

    def _new_worker(self, shard_id: ShardId) -> ShardPipeline:
        sinks = self._sinks
        services = Services(
            ledger=sinks.ledger,
            lake=sinks.lake,
            dead_letters=sinks.dead_letters,
            decider=Decider(SCORER, "fuzz", now=lambda: NOW),
            reader=TimedReader(None if shard_id == HISTORY else EventTimeBounds(), self.times),
            retry=Patience(lambda _: None),
            now=lambda: NOW,
            steady_s=lambda: 0.0,
            new_chunk_id=lambda: f"chunk-{next(self._chunk_ids)}",
            report=lambda _: None,
        )
        return ShardPipeline(EPOCH, services, _CUT, _NEVER)


def record_of(case: Case, shard_id: ShardId) -> StreamRecord:
    """Return the case as Kinesis would deliver it; its sequence number is its own number."""
    arrival_time = _FIRST_ARRIVAL + timedelta(milliseconds=case.number)
    return StreamRecord(case.data, "key", StreamPosition(EPOCH, shard_id, case.number), arrival_time)


def sinks_in(database_url: str, s3: S3Client, bucket: str) -> Sinks:
    """Return sinks in an empty, migrated database and an empty bucket, which is made here."""
    s3.create_bucket(Bucket=bucket)
    return Sinks(PostgresLedger(database_url), S3Lake(s3, bucket))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
