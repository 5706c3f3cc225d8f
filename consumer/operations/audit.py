"""`fraudstream audit`: gather what was published and every effect, compare, and say whether each happened exactly once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from consumer.auditing.compare import audit
from consumer.auditing.evidence import AlertState, Evidence, OutboxEntry
from consumer.auditing.lake import read_lake
from consumer.auditing.received import ReceivedAlerts
from consumer.auditing.report import AuditReport
from consumer.auditing.stream import read_checkpoints, read_epoch, read_stream
from consumer.clients import AwsClients
from consumer.scoring.bundle import DEFAULT_BUNDLE, POLICY_FILE
from consumer.scoring.policy import parse_policy
from consumer.settings import Settings
from schemas.dead_letter import DeadLetter
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.dead_letters.s3 import S3DeadLetters
from sinks.ledger.reader import LedgerReader

RECEIVED_FILE = "alerts-received.jsonl"
_SETTLE_S = 10.0


def gather(settings: Settings, say: Callable[[str], None] = lambda _: None) -> Evidence:
    """Read the stream and all its effects. Checkpoints come first, so that what they cover must be found afterwards."""
    with closing(LedgerReader(settings.dsn(), application_name="fraudstream-audit")) as reader:
        return _gather(settings, AwsClients(settings), reader, say)


def _gather(settings: Settings, clients: AwsClients, reader: LedgerReader, say: Callable[[str], None]) -> Evidence:
    epoch = read_epoch(clients.kinesis, settings.stream_name)
    checkpoints = read_checkpoints(clients.dynamodb, settings.application_name)
    say("reading the stream")
    published = list(read_stream(clients.kinesis, settings.stream_name, is_paced=not settings.is_local))
    say(f"read {len(published):,} records; reading ledger, dead letters, lake and alerts")
    refusals = {stored.refusal.position: stored.refusal for stored in reader.all_refusals(epoch)}
    letters = S3DeadLetters(clients.s3, settings.dead_letter_bucket).letters()
    decisions = list(reader.all_decisions(epoch))
    return Evidence(
        epoch=epoch,
        published=published,
        checkpoints=checkpoints,
        decisions=decisions,
        refusals=refusals,
        lake=list(read_lake(clients.s3, settings.lake_bucket, epoch)),
        outbox=(outbox := [entry for entry in _outbox(reader) if entry.payload["position"]["stream_epoch"] == epoch]),
        received=_received(settings, clients, outbox),
        dead_letters={_position(letter): letter for letter in letters if letter.stream_epoch == epoch},
        alerting_policies=frozenset({_policy_version(settings)}),
    )


def run_audit(settings: Settings, *, as_json: bool = False) -> bool:
    """Print the report and return whether it is clean."""
    report = audit(gather(settings, _say))
    print_report(report, as_json=as_json)
    return report.is_clean


def print_report(report: AuditReport, *, as_json: bool = False) -> None:
    """Print the report for a person, or as one JSON document."""
    print(json.dumps(report.document(), indent=2) if as_json else "\n".join(report.lines()))


def _say(progress: str) -> None:
    print(f"audit: {progress}", file=sys.stderr)


def _outbox(reader: LedgerReader) -> list[OutboxEntry]:
    states: dict[str, AlertState] = {"sent": "sent", "pending": "waiting", "parked": "kept", "suppressed": "kept"}
    return [OutboxEntry(row.alert_id, json.loads(row.payload), states[row.state]) for row in reader.all_alerts()]


def _received(settings: Settings, clients: AwsClients, outbox: list[OutboxEntry]) -> list[dict[str, Any]] | None:
    """Collect until everything sent has arrived, or nothing came for ten seconds: a topic delivers when it pleases."""
    if settings.alert_queue_url is None:
        return None
    alerts = ReceivedAlerts(clients.sqs, settings.alert_queue_url, settings.state_dir / RECEIVED_FILE)
    sent = {str(entry.alert_id) for entry in outbox if entry.state == "sent"}
    deadline_s = time.monotonic() + _SETTLE_S
    while True:
        if alerts.collect():
            deadline_s = time.monotonic() + _SETTLE_S
        messages = alerts.all()
        if sent <= {message["alert_id"] for message in messages} or time.monotonic() > deadline_s:
            return messages
        time.sleep(0.2)


def _position(letter: DeadLetter) -> StreamPosition:
    return StreamPosition(
        StreamEpoch(letter.stream_epoch), ShardId(letter.shard_id), int(letter.sequence_number), letter.sub_sequence
    )


def _policy_version(settings: Settings) -> str:
    return parse_policy(((settings.model_bundle or DEFAULT_BUNDLE) / POLICY_FILE).read_text()).version
