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
from sinks.lake.keys import is_replay_key, parse_replay_key


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
        elif places.may_be_in_flight(position) or _may_be_in_replay(position, strays, evidence):
            report.note("pending")
            _audit_copies(strays, report)
        else:
            report.fault("mismatched", f"{_named(strays)}, which the ledger does not", len(strays))


def _audit_decision(decision: Decision, found: Sequence[LakeRow], evidence: Evidence, report: AuditReport) -> None:
    name = name_of(decision.position)
    if not found:
        _audit_missing(decision.position, evidence, report)
    _audit_copies(found, report)
    for row in found:
        if not _is_in_its_place(row, evidence):
            report.fault(
                "mismatched",
                f"{row.key} holds {name}: what a replay decided stands in its own object, and nothing else does",
            )
        if different := [c for c, value in _lake_values(decision).items() if not _equal(row.values.get(c), value)]:
            report.fault("mismatched", f"{row.key}: {', '.join(different)} of {name} differ from the ledger")


def _audit_missing(position: StreamPosition, evidence: Evidence, report: AuditReport) -> None:
    """A refusal is resolved after its row stands; until then the replay that has not ended is told of among the records."""
    if position in evidence.replayed:
        if position in evidence.resolved:
            report.fault("lost", f"{name_of(position)} is replayed and resolved, but not in the lake")
    elif evidence.is_checkpointed(position):
        report.fault("lost", f"{name_of(position)} is decided and checkpointed, but not in the lake")
    else:
        report.note("pending")


def _is_in_its_place(row: LakeRow, evidence: Evidence) -> bool:
    """Whether the row stands in the object of its replay if a replay decided its record, else in a chunk."""
    return _is_from_replay(row) if _position_of(row) in evidence.replayed else not is_replay_key(row.key)


def _is_from_replay(row: LakeRow) -> bool:
    return is_replay_key(row.key) and parse_replay_key(row.key) == _position_of(row)


def _may_be_in_replay(position: StreamPosition, rows: Sequence[LakeRow], evidence: Evidence) -> bool:
    """Whether a replay may have decided the refused record after the ledger's moment."""
    is_open = position in evidence.refusals and not evidence.is_replayed(position)
    return is_open and all(map(_is_from_replay, rows))


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
