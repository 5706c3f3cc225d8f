"""Records and a pipeline on memory sinks, for tests of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from consumer.batch import Reader
from consumer.deciding import Decider
from consumer.pipeline import Services, ShardPipeline
from consumer.policies.quarantine import QuarantinePolicy
from consumer.scoring.bundle import load_bundle
from consumer.scoring.features import MemoryTerms
from consumer.scoring.scorer import Scorer
from consumer.telemetry.measured import MeasuredDeadLetters, MeasuredLake, MeasuredLedger
from consumer.telemetry.metrics import Metrics, NoMeter
from schemas.position import Position, ShardId, StreamEpoch, StreamPosition, StreamRecord
from sinks.dead_letters.memory import MemoryDeadLetters
from sinks.errors import TransientSinkError
from sinks.lake.chunks import CutPolicy
from sinks.lake.memory import MemoryLake
from sinks.ledger.memory import MemoryLedger, MemoryStore
from tests.scoring_builders import EVENT_BUNDLE

EPOCH = StreamEpoch("20260301T080000Z")
SHARD = ShardId("shardId-000000000000")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
T = TypeVar("T")
BUNDLE = load_bundle(EVENT_BUNDLE)
SCORER = Scorer(BUNDLE)


def an_event(transaction_id: str = "t-1", **changes: Any) -> bytes:
    """A small valid event; None takes a field away."""
    event = {"transaction_id": transaction_id, "timestamp": "2026-03-01T12:00:00Z", "user_id": "u-1", "amount": 12.3}
    return json.dumps({name: value for name, value in (event | changes).items() if value is not None}).encode()


def a_record(sequence_number: int, data: bytes | None = None) -> StreamRecord:
    """A record that arrived at NOW; by default an event of its own."""
    position = StreamPosition(EPOCH, SHARD, sequence_number)
    return StreamRecord(an_event(f"t-{sequence_number}") if data is None else data, "u-1", position, NOW)


class Checkpoints:
    """Remembers what was checkpointed."""

    def __init__(self) -> None:
        self.positions: list[Position | str] = []

    def checkpoint(self, position: Position) -> None:
        self.positions.append(position)

    def checkpoint_shard_end(self) -> None:
        self.positions.append("SHARD_END")


def retry(call: Callable[[], T], /) -> T:
    """Tries three times and does not wait."""
    for _ in range(2):
        try:
            return call()
        except TransientSinkError:
            continue
    return call()


class World:
    """Memory sinks that outlive workers, and a clock that tests move."""

    def __init__(self, *, horizon: timedelta = timedelta(hours=24), metrics: Metrics | None = None) -> None:
        self.metrics = metrics or NoMeter()
        self.store, self.lake, self.dead_letters = MemoryStore(), MemoryLake(), MemoryDeadLetters()
        self.ledger = MemoryLedger(self.store, dedup_horizon=horizon)
        self.horizon, self.clock_s, self.checkpoints = horizon, 0.0, Checkpoints()
        self._chunk_ids = count()

    def worker(
        self,
        *,
        reader: Reader | None = None,
        quarantine: QuarantinePolicy | None = None,
        scorer: Scorer = SCORER,
        memory_terms: MemoryTerms = MemoryTerms(),  # noqa: B008 - frozen
    ) -> ShardPipeline:
        """A new incarnation, started at no checkpoint."""
        services = Services(
            ledger=MeasuredLedger(self.ledger, self.metrics, lambda: NOW + timedelta(seconds=1.5)),
            lake=MeasuredLake(self.lake, self.metrics),
            dead_letters=MeasuredDeadLetters(self.dead_letters, self.metrics),
            decider=Decider(scorer, "test", self.horizon, now=lambda: NOW, memory_terms=memory_terms),
            reader=reader or Reader(),
            retry=retry,
            now=lambda: NOW,
            steady_s=lambda: self.clock_s,
            new_chunk_id=lambda: f"chunk-{next(self._chunk_ids)}",
            report=lambda _: None,
            metrics=self.metrics,
        )
        pipeline = ShardPipeline(EPOCH, services, CutPolicy(), quarantine or QuarantinePolicy())
        pipeline.initialize(SHARD, None)
        return pipeline

    def process(self, worker: ShardPipeline, records: Sequence[StreamRecord]) -> None:
        """Deliver one batch."""
        worker.process(records, 0, self.checkpoints)

    def stop(self, worker: ShardPipeline) -> None:
        """Ask the worker to flush."""
        worker.shutdown_requested(self.checkpoints)

    def lake_ids(self) -> list[str]:
        """The transaction ids in the lake, in key order."""
        return [row.transaction_id for key in sorted(self.lake.objects) for row in self.lake.objects[key].rows]

    def refusals(self) -> dict[int, str]:
        """Reasons by sequence number."""
        return {position.sequence_number: refusal.reason for position, refusal in self.store.refusals.items()}
