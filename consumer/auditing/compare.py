"""The comparison itself (effects.md, "How it is proved"). Pure: evidence in, report out."""

from __future__ import annotations

from consumer.auditing.alerts import audit_outbox, audit_received
from consumer.auditing.evidence import Evidence
from consumer.auditing.lake_rows import audit_lake
from consumer.auditing.places import Places
from consumer.auditing.records import audit_origins, audit_records, audit_replays
from consumer.auditing.report import AuditReport


def audit(evidence: Evidence) -> AuditReport:
    """Return what is lost, duplicated or mismatched between the stream, ledger, lake, alerts and dead letters.

    Nothing that may be in flight is judged (see `Places`), so the system may run meanwhile.
    """
    report, places = AuditReport(), Places(evidence)
    audit_records(evidence, report)
    audit_origins(evidence, places, report)
    audit_replays(evidence, report)
    audit_lake(evidence, places, report)
    audit_outbox(evidence, report)
    audit_received(evidence, places, report)
    _audit_objects(evidence, report)
    return report


def _audit_objects(evidence: Evidence, report: AuditReport) -> None:
    for key in evidence.damaged:
        report.fault("mismatched", f"{key} cannot be read, or does not stand where it says")
    if evidence.foreign:
        some = f"such as {evidence.foreign[0]}"
        report.remark("foreign", f"{len(evidence.foreign)} objects are none of ours, {some}", len(evidence.foreign))
