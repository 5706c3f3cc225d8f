"""A world of memory sinks in which dead letters are replayed, and what an audit sees of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pyarrow.parquet as pq

from consumer.auditing.evidence import Evidence, LakeRow, OutboxEntry
from consumer.auditing.lake import rows_of
from consumer.batch import Reader
from consumer.deciding import Decider
from consumer.replay import Outcome, Replayed, Replayer
from consumer.scoring.scorer import Scorer
from schemas.position import StreamRecord
from sinks.lake.memory_replays import MemoryReplayLake
from sinks.lake.parquet import encode
from sinks.ledger.memory_replays import MemoryReplayLedger
from sinks.port import Delivery
from tests.audit_builders import evidence_of, lake_rows
from tests.pipeline_builders import NOW, SCORER, World, retry

T = TypeVar("T")
ANY_TIME = Reader(bounds=None)


def no_retry(call: Callable[[], T], /) -> T:
    """Lets every failure through: the process that replays dies of it."""
    return call()


class ReplayWorld(World):
    """A world with the ledger and the lake that replays write to."""

    def __init__(self) -> None:
        super().__init__()
        self.replay_ledger, self.replay_lake = MemoryReplayLedger(self.ledger), MemoryReplayLake()

    def deliver(self, *records: StreamRecord) -> None:
        """A new worker deals with all records and stops."""
        worker = self.worker()
        self.process(worker, records)
        self.stop(worker)

    def replayer(self, reader: Reader = ANY_TIME, scorer: Scorer = SCORER, **changes: Any) -> Replayer:
        """By default one that takes events of any time."""
        parts: dict[str, Any] = {
            "ledger": self.replay_ledger,
            "lake": self.replay_lake,
            "letters": self.dead_letters,
            "decider": Decider(scorer, "test", self.horizon, now=lambda: NOW),
            "reader": reader,
            "retry": retry,
            "now": lambda: NOW,
        }
        return Replayer(**(parts | changes))

    def unresolved(self) -> list[Delivery]:
        """What an operator would replay, in order."""
        refusals = (r for p, r in sorted(self.store.refusals.items()) if p not in self.store.resolved)
        return [Delivery(refusal.position, refusal.arrival_time) for refusal in refusals]

    def replay(self, replayer: Replayer | None = None) -> list[Replayed]:
        """Replay all that is unresolved."""
        return [(replayer or self.replayer()).replay(delivery) for delivery in self.unresolved()]

    def outcomes(self, replayer: Replayer | None = None) -> list[Outcome]:
        """Replay all that is unresolved and say what became of each."""
        return [replayed.outcome for replayed in self.replay(replayer)]

    def evidence(self, published: Sequence[StreamRecord], **changes: Any) -> Evidence:
        """What an audit gathers; alerts that are not kept were sent and received."""
        whole = evidence_of(self, published)
        kept = {entry.alert_id for entry in self.store.outbox.values() if entry.state == "suppressed"}
        facts: dict[str, Any] = {
            "lake": [*lake_rows(self), *replayed_rows(self.replay_lake)],
            "replayed": set(self.store.replayed),
            "resolved": set(self.store.resolved),
            "outbox": [OutboxEntry(e.alert_id, e.payload, "kept" if e.alert_id in kept else "sent") for e in whole.outbox],
            "received": [e.payload for e in whole.outbox if e.alert_id not in kept],
        }  # fmt: skip
        return evidence_of(self, published, **(facts | changes))


def replayed_rows(lake: MemoryReplayLake) -> list[LakeRow]:
    """Every row as Parquet gives it back."""
    return [
        LakeRow(key, values)
        for key, row in lake.rows.items()
        for values in rows_of(pq.read_table(io.BytesIO(encode([row]))))
    ]
