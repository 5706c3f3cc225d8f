"""Every row of the lake against the ledger, and the other way round. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from consumer.auditing.evidence import Evidence, LakeRow, name_of
from consumer.auditing.places import Places
from consumer.auditing.report import AuditReport
from schemas.decision import Decision, Identity
from schemas.lake import LAKE_COLUMNS
from schemas.position import StreamPosition


def audit_lake(evidence: Evidence, places: Places, report: AuditReport) -> None:
    """Find decisions that are not in the lake exactly once with their values, and rows that are no decisions."""
    rows: dict[StreamPosition, list[LakeRow]] = {}
    for row in evidence.lake:
        rows.setdefault(_position_of(row), []).append(row)
    report.note("in_lake", len(evidence.lake))
    for decision in evidence.decisions:
        _audit_decision(decision, rows.pop(decision.position, []), evidence, report)
    identities = {row.identity for row in (*evidence.decisions, *evidence.decided_elsewhere)}
    for position, strays in rows.items():
        if _identity_of(strays[0]) in identities:
            report.fault("duplicated", f"{_named(strays)}, which the ledger has elsewhere", len(strays))
        elif places.may_be_in_flight(position):
            report.note("pending")
            _audit_copies(strays, report)
        else:
            report.fault("mismatched", f"{_named(strays)}, which the ledger does not", len(strays))


def _audit_decision(decision: Decision, found: Sequence[LakeRow], evidence: Evidence, report: AuditReport) -> None:
    name = name_of(decision.position)
    if not found:
        if evidence.is_checkpointed(decision.position):
            report.fault("lost", f"{name} is decided and checkpointed, but not in the lake")
        else:
            report.note("pending")
    _audit_copies(found, report)
    for row in found:
        if different := [c for c, value in _lake_values(decision).items() if not _equal(row.values.get(c), value)]:
            report.fault("mismatched", f"{row.key}: {', '.join(different)} of {name} differ from the ledger")


def _audit_copies(found: Sequence[LakeRow], report: AuditReport) -> None:
    if len(found) > 1:
        keys = ", ".join(row.key for row in found)
        report.fault("duplicated", f"{name_of(_position_of(found[0]))} is in {keys}", len(found) - 1)


def _named(strays: Sequence[LakeRow]) -> str:
    return f"{strays[0].key} holds {name_of(_position_of(strays[0]))}"


def _identity_of(row: LakeRow) -> Identity:
    return Identity(row.values["transaction_id"], row.values["event_time"])


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
