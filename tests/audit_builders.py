"""Evidence for tests of the audit: what stands after the real pipeline, on memory sinks, dealt with five records."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence, LakeRow, OutboxEntry
from consumer.auditing.lake import rows_of
from schemas.position import Position, StreamPosition, StreamRecord
from sinks.lake.parquet import encode
from tests.pipeline_builders import BUNDLE, EPOCH, SCORER, SHARD, World, a_record, an_event

RISKY = {
    "amount": 0,
    "channel": "online",
    "merchant_category": "gift_cards",
    "device_info": {"device_type": "emulator"},
}
RECORDS = [
    a_record(1),
    a_record(2, an_event("risky", **RISKY)),
    a_record(3, b"not json"),
    a_record(4),
    a_record(5, an_event("t-4")),
]
FAULTS = ("lost", "duplicated", "mismatched")
POLICIES = {SCORER.policy_version: BUNDLE.policy}


def an_evidence(
    delivered: Sequence[StreamRecord] = RECORDS, *, published: Sequence[StreamRecord] | None = None, **changes: Any
) -> Evidence:
    """What stands after the pipeline dealt with `delivered` and stopped; None: the stream holds just these."""
    world = World()
    worker = world.worker()
    world.process(worker, delivered)
    world.stop(worker)
    return evidence_of(world, delivered if published is None else published, **changes)


def evidence_of(world: World, published: Sequence[StreamRecord], **changes: Any) -> Evidence:
    """What the sinks of `world` hold; every alert was sent and received, everything is checkpointed."""
    payloads = [json.loads(entry.payload) for entry in world.store.outbox.values()]
    facts: dict[str, Any] = {
        "epoch": EPOCH,
        "published": list(published),
        "checkpoints": {SHARD: Position(max((r.position.sequence_number for r in published), default=0), 99)},
        "decisions": list(world.store.decisions.values()),
        "refusals": dict(world.store.refusals),
        "lake": lake_rows(world),
        "outbox": [
            OutboxEntry(alert_id, payload, "sent")
            for alert_id, payload in zip(world.store.outbox, payloads, strict=True)
        ],
        "received": payloads,
        "dead_letters": {
            StreamPosition(EPOCH, SHARD, int(letter.sequence_number), letter.sub_sequence): letter
            for letter in world.dead_letters.letters()
        },
        "policies": POLICIES,
        "shards": frozenset({SHARD}),
        "consumer_version": "test",
    }
    return Evidence(**(facts | changes))


def lake_rows(world: World) -> list[LakeRow]:
    """Every row as Parquet gives it back."""
    return [
        LakeRow(key, values)
        for key, chunk in world.lake.objects.items()
        for values in rows_of(pq.read_table(io.BytesIO(encode(chunk.rows))))
    ]


def faults(evidence: Evidence) -> dict[str, int]:
    """The counts that must be zero and are not."""
    return {name: count for name, count in audit(evidence).counts.items() if count and name in FAULTS}


WHOLE = an_evidence()
