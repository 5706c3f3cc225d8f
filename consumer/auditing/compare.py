"""The comparison itself (effects.md, "How it is proved"). Pure: evidence in, report out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import numpy as np

from consumer.auditing.evidence import Evidence, LakeRow
from consumer.auditing.report import AuditReport
from schemas.alert import alert_id
from schemas.card_numbers import mask_card_numbers
from schemas.decision import Decision, Identity
from schemas.decode import InvalidRecord, Unknown, decode
from schemas.lake import LAKE_COLUMNS
from schemas.position import Position, ShardId, StreamPosition, StreamRecord
from schemas.transaction import Transaction

ALERTING_LEVELS = frozenset({"high", "critical"})
RULE = "score"


def audit(evidence: Evidence) -> AuditReport:
    """Return what is lost, duplicated or mismatched between the stream, ledger, lake, alerts and dead letters."""
    report = AuditReport()
    _audit_records(evidence, report)
    _audit_origins(evidence, report)
    _audit_lake(evidence, report)
    _audit_outbox(evidence, report)
    _audit_received(evidence, report)
    return report


def _audit_records(evidence: Evidence, report: AuditReport) -> None:
    by_position = {row.position: row for row in evidence.decisions}
    by_identity = {row.identity: row for row in evidence.decisions}
    for record in evidence.published:
        report.note("published")
        decided, refused = by_position.get(record.position), evidence.refusals.get(record.position)
        if decided is not None and refused is not None:
            report.fault("mismatched", f"{_name(record.position)} is decided and refused")
        elif decided is not None:
            _audit_decided(record, decided, report)
        elif refused is not None:
            _audit_refused(record, evidence, report)
        else:
            _audit_silent(record, by_identity, evidence, report)


def _audit_decided(record: StreamRecord, row: Decision, report: AuditReport) -> None:
    report.note("decided")
    transaction = _read(record)
    if transaction is None or transaction != row[: len(transaction)]:
        report.fault(
            "mismatched", f"the decision of {_name(record.position)} is not about the event that was published"
        )


def _audit_refused(record: StreamRecord, evidence: Evidence, report: AuditReport) -> None:
    report.note("refused")
    letter = evidence.dead_letters.get(record.position)
    if letter is None:
        kind = evidence.is_checkpointed(record.position)
        report.fault("lost", f"{_name(record.position)} was refused without a dead letter") if kind else report.note(
            "pending"
        )
    elif letter.raw != mask_card_numbers(record.data):
        report.fault("mismatched", f"the dead letter of {_name(record.position)} holds other bytes than the stream")


def _audit_silent(
    record: StreamRecord, rows: dict[Identity, Decision], evidence: Evidence, report: AuditReport
) -> None:
    transaction = _read(record)
    row = rows.get(Identity(transaction.transaction_id, transaction.event_time)) if transaction else None
    if transaction is not None and row is not None and row.content_hash == transaction.content_hash:
        report.note("repeated")
    elif evidence.is_checkpointed(record.position):
        report.fault("lost", f"{_name(record.position)} has neither a decision nor a refusal")
    else:
        report.note("pending")


def _audit_origins(evidence: Evidence, report: AuditReport) -> None:
    published = {record.position for record in evidence.published}
    first: dict[ShardId, Position] = {}
    for record in evidence.published:
        first.setdefault(record.position.shard_id, record.position.within_shard)
    origins = {
        "decision": [row.position for row in evidence.decisions],
        "refusal": list(evidence.refusals),
        "dead letter": list(evidence.dead_letters),
    }
    for what, positions in origins.items():
        for position in positions:
            if position in published:
                continue
            if position.shard_id in first and position.within_shard > first[position.shard_id]:
                report.fault("mismatched", f"a {what} at {_name(position)}, where the stream has no record")
            else:
                report.note("trimmed")
    for position in evidence.dead_letters.keys() - evidence.refusals.keys():
        report.fault("mismatched", f"a dead letter at {_name(position)} that the ledger knows nothing of")


def _audit_lake(evidence: Evidence, report: AuditReport) -> None:
    rows: dict[StreamPosition, list[LakeRow]] = {}
    for row in evidence.lake:
        rows.setdefault(_position_of(row), []).append(row)
    report.note("in_lake", len(evidence.lake))
    identities = {row.identity for row in evidence.decisions}
    for decision in evidence.decisions:
        found = rows.pop(decision.position, [])
        _audit_lake_rows(decision, found, evidence, report)
    for position, strays in rows.items():
        identity = Identity(strays[0].values["transaction_id"], strays[0].values["event_time"])
        kind = "duplicated" if identity in identities else "mismatched"
        report.fault(kind, f"{strays[0].key} holds {_name(position)}, which the ledger does not", len(strays))  # type: ignore[arg-type]


def _audit_lake_rows(decision: Decision, found: list[LakeRow], evidence: Evidence, report: AuditReport) -> None:
    name = _name(decision.position)
    if not found:
        if evidence.is_checkpointed(decision.position):
            report.fault("lost", f"{name} is decided and checkpointed, but not in the lake")
        else:
            report.note("pending")
        return
    if len(found) > 1:
        report.fault("duplicated", f"{name} is in {', '.join(row.key for row in found)}", len(found) - 1)
    for row in found:
        if different := [c for c, value in _lake_values(decision).items() if not _equal(row.values[c], value)]:
            report.fault("mismatched", f"{row.key}: {', '.join(different)} of {name} differ from the ledger")


def _audit_outbox(evidence: Evidence, report: AuditReport) -> None:
    raised = {entry.alert_id for entry in evidence.outbox}
    report.note("alerts", len(raised))
    report.note("kept_alerts", sum(entry.state == "kept" for entry in evidence.outbox))
    rows = {alert_id(row.identity, RULE): row for row in evidence.decisions}
    for entry in evidence.outbox:
        row = rows.get(entry.alert_id)
        if row is None or row.score != entry.payload["score"]:
            report.fault("mismatched", f"alert {entry.alert_id} does not tell of a decision in the ledger")
    for number, row in rows.items():
        alerts = row.risk_level in ALERTING_LEVELS and row.policy_version in evidence.alerting_policies
        if alerts and number not in raised:
            report.fault("lost", f"no alert was raised for {_name(row.position)}, risk {row.risk_level}")


def _audit_received(evidence: Evidence, report: AuditReport) -> None:
    if evidence.received is None:
        return
    times = Counter(UUID(message["alert_id"]) for message in evidence.received)
    report.note("received", len(times))
    report.note("redelivered", sum(times.values()) - len(times))
    payloads = {entry.alert_id: entry.payload for entry in evidence.outbox}
    for message in evidence.received:
        if payloads.get(UUID(message["alert_id"])) != message:
            report.fault("mismatched", f"alert {message['alert_id']} was received, but the outbox has no such alert")
    for entry in evidence.outbox:
        if entry.state == "waiting" and entry.alert_id not in times:
            report.note("pending")
        elif entry.state == "sent" and entry.alert_id not in times:
            report.fault("lost", f"alert {entry.alert_id} was sent, but never received")


def _read(record: StreamRecord) -> Transaction | None:
    try:
        return decode(record.data, Unknown())
    except InvalidRecord:
        return None


def _name(position: StreamPosition) -> str:
    return f"{position.shard_id} {position.sequence_number}" + (
        f".{position.sub_sequence}" if position.sub_sequence else ""
    )


def _position_of(row: LakeRow) -> StreamPosition:
    values = row.values
    return StreamPosition(
        values["stream_epoch"], values["shard_id"], int(values["sequence_number"]), values["sub_sequence"]
    )


def _lake_values(decision: Decision) -> dict[str, Any]:
    reasons = decision.reasons
    values: dict[str, Any] = {
        **decision._asdict(),
        "features": np.frombuffer(decision.features, "<f4").tolist(),
        "reasons": None if reasons is None else [r.code for r in reasons],
        "reason_contributions": None
        if reasons is None
        else np.array([r.contribution for r in reasons], "<f4").tolist(),
    }
    return {column.name: values[column.name] for column in LAKE_COLUMNS if column.is_audited}


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, Iterable):
        pairs = list(other)
        return len(one) == len(pairs) and all(a == b or (a != a and b != b) for a, b in zip(one, pairs, strict=True))  # noqa: PLR0124 - NaN
    return bool(one == other)
