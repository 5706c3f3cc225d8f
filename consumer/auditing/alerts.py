"""Alerts: what the ledger's outbox raised against its decisions, and what was received against the outbox. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from consumer.auditing.evidence import Evidence, OutboxEntry, name_of
from consumer.auditing.messages import Message, read_message
from consumer.auditing.places import Places
from consumer.auditing.report import AuditReport
from consumer.scoring.compose import alert_of, rule_of
from schemas.alert import alert_id
from schemas.decision import Decision
from sinks.alerts.document import payload_of


def audit_outbox(evidence: Evidence, report: AuditReport) -> None:
    """Find decisions that should have raised an alert and alerts that tell of no decision, or not what it says."""
    rows = {alert_id(row.identity, rule_of(row)): row for row in evidence.decisions}
    report.note("alerts", len({entry.alert_id for entry in evidence.outbox}))
    report.note("kept_alerts", sum(entry.state in {"kept", "tried"} for entry in evidence.outbox))
    for entry in evidence.outbox:
        _audit_entry(entry, rows.get(entry.alert_id), evidence, report)
    for number in rows.keys() - {entry.alert_id for entry in evidence.outbox}:
        row = rows[number]
        if evidence.should_alert(row):
            report.fault("lost", f"no alert was raised for {name_of(row.position)}, risk {row.risk_level}")


def audit_received(evidence: Evidence, places: Places, report: AuditReport) -> None:
    """Find alerts that were sent and did not arrive, and messages that the outbox does not know so, or never let go."""
    if evidence.received is None:
        return
    messages = _messages(evidence.received, evidence, report)
    times = Counter(message.alert_id for message in messages)
    report.note("received", len(times))
    report.note("redelivered", sum(times.values()) - len(times))
    entries = {entry.alert_id: entry for entry in evidence.outbox}
    for message in messages:
        _audit_message(message, entries.get(message.alert_id), places, report)
    for entry in evidence.outbox:
        if entry.state == "waiting" and entry.alert_id not in times:
            report.note("pending")
        elif entry.state == "sent" and entry.alert_id not in times:
            report.fault("lost", f"alert {entry.alert_id} was sent, but never received")


def _audit_entry(entry: OutboxEntry, row: Decision | None, evidence: Evidence, report: AuditReport) -> None:
    if row is None:
        report.fault("mismatched", f"alert {entry.alert_id} tells of no decision in the ledger")
    elif evidence.should_alert(row) is False:
        report.fault(
            "mismatched", f"alert {entry.alert_id} was raised for {name_of(row.position)}, risk {row.risk_level}"
        )
    elif different := _differences(entry.payload, _expected(row, entry.payload)):
        report.fault("mismatched", f"alert {entry.alert_id}: {', '.join(different)} differ from the decision")


def _expected(row: Decision, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the alert as the row has it; threshold, method and sentences are the word of the release that raised it, if it had any."""
    threshold, reasons = payload.get("threshold"), payload.get("reasons")
    if not isinstance(threshold, float | int) or not isinstance(reasons, list):
        return {}
    try:
        document: dict[str, Any] = json.loads(payload_of(alert_of(row, threshold, "")))
    except ValidationError:  # the row holds what no alert may
        return {}
    _take_word(document, payload, "reason_method")
    for expected, told in zip(document["reasons"], reasons, strict=False):
        _take_word(expected, told if isinstance(told, dict) else {}, "text")
    return document


def _take_word(document: dict[str, Any], told: Mapping[str, Any], name: str) -> None:
    """Let the document have the text that was told under this name, and none where none was told."""
    del document[name]
    if isinstance(word := told.get(name), str):
        document[name] = word


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    absent = object()
    return sorted(name for name in {*one, *other} if one.get(name, absent) != other.get(name, absent))


def _messages(documents: Sequence[Mapping[str, Any]], evidence: Evidence, report: AuditReport) -> list[Message]:
    """Return the alerts of this epoch: the file of received alerts may outlive its stream."""
    read = [read_message(document) for document in documents]
    if unknown := sum(message is None for message in read):
        remedy = "is anything else sent to this queue, or is raw message delivery off?"
        report.remark("not_judged", f"{unknown} messages in the alert queue are no alerts: {remedy}", unknown)
    return [m for m in read if m is not None and m.position.stream_epoch == evidence.epoch]


def _audit_message(message: Message, entry: OutboxEntry | None, places: Places, report: AuditReport) -> None:
    name = f"alert {message.alert_id}"
    if entry is None:
        if places.may_be_in_flight(message.position):
            report.note("pending")
        else:
            report.fault("mismatched", f"{name} was received, but the outbox has no such alert")
    elif different := _differences(message.document, entry.payload):
        report.fault("mismatched", f"{name} was received with another {', '.join(different)} than the outbox has")
    elif entry.state == "kept":
        report.fault("mismatched", f"{name} was received, but the outbox never let it go")
