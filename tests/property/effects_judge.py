"""The verdict on a schedule: the audit that operators run, on what stands in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import structlog

from consumer.auditing.compare import audit
from consumer.auditing.dead_letters import read_dead_letters
from consumer.auditing.evidence import Checkpoints, Evidence
from consumer.auditing.lake import read_lake
from consumer.auditing.ledger import read_ledger
from consumer.auditing.objects import Bucket
from consumer.auditing.records import silent_identities
from consumer.auditing.report import AuditReport
from consumer.scoring.compose import rule_of
from schemas.alert import alert_id
from schemas.position import StreamPosition
from sinks.ledger.reader import LedgerReader
from tests.property.effects_daemons import Daemons
from tests.property.effects_deploys import policies
from tests.property.effects_leases import Violation
from tests.property.effects_ledger import Database
from tests.property.effects_schedule import Schedule
from tests.property.effects_settle import settle
from tests.property.effects_steps import Fate
from tests.property.effects_stream import EPOCH
from tests.property.effects_vectors import judge_vectors
from tests.property.effects_world import VERSION, World


@dataclass(frozen=True)
class Court:
    """Tries one schedule after the other in one database."""

    database: Database
    reader: LedgerReader
    seen: Counter[str] = field(default_factory=Counter)
    """What happened in all of them, how often."""

    def try_schedule(self, schedule: Schedule) -> World:
        """Let a schedule happen and judge it; raises Violation with the schedule and its story."""
        self.database.empty()
        world = World(schedule, self.database)
        try:
            with structlog.testing.capture_logs():
                daemons = Daemons(world)
                Fate(world, daemons).befall(schedule)
                settle(world, daemons)
            _judge(world, self.reader)
        except Violation as violation:
            story = "\n".join(world.story)
            raise Violation(f"{violation}\n\n{schedule}\n\n{story}") from violation.__cause__
        finally:
            world.close()
        self.seen.update(world.counts)
        self.seen.update(_schedules=1, _steps=len(schedule.steps), _records=len(world.stream))
        self.seen.update(_processes=len(world.consumers))
        return world


def _judge(world: World, reader: LedgerReader) -> None:
    evidence = _evidence(world, reader)
    report = audit(evidence)
    if not report.is_clean or not report.is_complete:
        raise Violation("\n".join([*report.findings, *report.remarks, report.verdict]))
    _require(report, "not_judged", 0)
    _require(report, "foreign", 0)
    alerting = sum(evidence.policies[row.policy_version].judge(row.score, row).alerts for row in evidence.decisions)
    _require(report, "alerts", alerting)
    _require(report, "received", alerting)
    _require(report, "in_lake", len(evidence.decisions))
    judged = sum(report.counts[name] for name in ("decided", "refused", "repeated"))
    _require(report, "published", judged)
    judge_vectors(world, list(reader.all_decisions(EPOCH)))


def _require(report: AuditReport, fact: str, count: int) -> None:
    if report.counts[fact] != count:
        raise Violation(f"{report.counts[fact]} {fact}, and not {count}: {report.document()}")


def _evidence(world: World, reader: LedgerReader) -> Evidence:
    """What `consumer.operations.audit` gathers, but for records that no application ever owed: trimmed or started beyond."""
    published, checkpoints = list(world.stream), _checkpoints(world)
    ledger = read_ledger(reader, EPOCH, lambda rows, refused: silent_identities(published, checkpoints, rows, refused))
    lake = read_lake(cast("Bucket", world.lake), EPOCH)
    letters = read_dead_letters(cast("Bucket", world.letters), EPOCH)
    owed = {record.position for record in world.owed}
    in_lake = {(row.values["shard_id"], row.values["sequence_number"]) for row in lake.rows}

    def is_judged(position: StreamPosition) -> bool:
        return position in owed or (position.shard_id, str(position.sequence_number)) in in_lake

    decisions = [row for row in ledger.decisions if is_judged(row.position)]
    forgotten = [row for row in ledger.decisions if not is_judged(row.position)]
    untold = {alert_id(row.identity, rule_of(row)) for row in forgotten}
    return Evidence(
        epoch=EPOCH,
        published=[record for record in published if is_judged(record.position)],
        checkpoints=checkpoints,
        decisions=decisions,
        refusals={place: refusal for place, refusal in ledger.refusals.items() if is_judged(place)},
        lake=lake.rows,
        outbox=[entry for entry in ledger.outbox if entry.alert_id not in untold],
        received=[document for document in world.received if UUID(document["alert_id"]) not in untold],
        dead_letters={place: letter for place, letter in letters.letters.items() if is_judged(place)},
        policies=policies(),
        shards=frozenset(world.shards),
        decided_elsewhere=forgotten,
        damaged=[*lake.damaged, *letters.damaged],
        foreign=[*lake.foreign, *letters.foreign],
        consumer_version=VERSION,
    )


def _checkpoints(world: World) -> Checkpoints:
    return {lease.shard_id: lease.checkpoint for lease in world.leases.values() if lease.checkpoint is not None}
