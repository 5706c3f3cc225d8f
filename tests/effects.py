"""What stands in the real sinks, read back as operators and analysts read it, and the product's own audit of it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence, LakeRow, OutboxEntry
from consumer.auditing.lake import rows_of
from consumer.auditing.ledger import outbox_entry
from consumer.auditing.objects import Bucket
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision
from schemas.position import Position, ShardId, StreamPosition, StreamRecord
from sinks.ledger.reader import LedgerReader
from sinks.port import Refusal
from tests.pipeline_builders import BUNDLE, EPOCH, SCORER


@dataclass
class Effects:
    """Ledger, lake, dead letters and outbox; decisions are in order of their positions."""

    decisions: Sequence[Decision]
    refusals: Mapping[StreamPosition, Refusal]
    lake: Sequence[LakeRow]
    letters: Mapping[StreamPosition, DeadLetter]
    outbox: Sequence[OutboxEntry]


def effects_of(database_url: str, lake: Bucket, letters: Iterable[DeadLetter]) -> Effects:
    """Read everything back: the ledger at one moment, the lake as plain Parquet."""
    reader = LedgerReader(database_url)
    with reader.one_moment():
        decisions = sorted(reader.all_decisions(EPOCH), key=lambda row: row.position)
        refusals = {stored.refusal.position: stored.refusal for stored in reader.all_refusals(EPOCH)}
        outbox = [outbox_entry(row) for row in reader.all_alerts()]
    reader.close()
    return Effects(decisions, refusals, list(_lake_rows(lake)), {letter.position: letter for letter in letters}, outbox)


def audited(published: Sequence[StreamRecord], checkpoints: Mapping[ShardId, Position], effects: Effects) -> list[str]:
    """Return what the audit finds, as if every alert had been sent and received; nothing may be left to be judged later."""
    evidence = Evidence(
        epoch=EPOCH,
        published=published,
        checkpoints=checkpoints,
        decisions=effects.decisions,
        refusals=effects.refusals,
        lake=effects.lake,
        outbox=[entry._replace(state="sent") for entry in effects.outbox],
        received=[entry.payload for entry in effects.outbox],
        dead_letters=effects.letters,
        policies={SCORER.policy_version: BUNDLE.policy},
        shards=frozenset(checkpoints),
    )
    report = audit(evidence)
    return [*report.findings, *([] if report.is_clean and report.is_complete else [report.verdict])]


def _lake_rows(bucket: Bucket) -> Iterator[LakeRow]:
    for key in bucket.keys("decisions/"):
        for values in rows_of(pq.read_table(io.BytesIO(bucket.body(key)), use_threads=False)):
            yield LakeRow(key, values)
