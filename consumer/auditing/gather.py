"""Gathers what an audit compares, from the stream, the ledger, the buckets and the queue: all IO of the audit is here."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from typing import Any

from consumer.auditing.dead_letters import read_dead_letters
from consumer.auditing.evidence import Evidence, OutboxEntry
from consumer.auditing.lake import read_lake
from consumer.auditing.ledger import read_ledger
from consumer.auditing.messages import read_message
from consumer.auditing.objects import Bucket
from consumer.auditing.policies import read_policies
from consumer.auditing.received import ReceivedAlerts
from consumer.auditing.records import silent_identities
from consumer.auditing.stream import Shard, checkpoints_of, read_epoch, read_leases, read_shards, read_stream
from consumer.clients import AwsClients
from consumer.settings import Settings
from schemas.position import StreamEpoch, StreamRecord
from sinks.ledger.reader import LedgerReader

RECEIVED_FILE = "alerts-received.jsonl"
_SETTLE_S = 10.0
_COLLECTED_AT_ONCE = 1_000


def gather(settings: Settings, say: Callable[[str], None] = lambda _: None) -> Evidence:
    """Read the stream and all its effects, while the system may run.

    The order matters. What the checkpoints cover must be found in everything read after them; the stream comes before the ledger, so
    that a record without a verdict is one that waits; lake, dead letters and alerts come after the ledger's one moment, so that what
    it decided is found there, and what they show beyond it is in flight.
    """
    with closing(LedgerReader(settings.dsn(), application_name="fraudstream-audit")) as reader:
        return _gather(settings, AwsClients(settings), reader, say)


def _gather(settings: Settings, clients: AwsClients, reader: LedgerReader, say: Callable[[str], None]) -> Evidence:
    epoch = read_epoch(clients.kinesis, settings.stream_name)
    leases = read_leases(clients.dynamodb, settings.application_name)
    checkpoints = checkpoints_of(leases, shards := read_shards(clients.kinesis, settings.stream_name))
    say("reading the stream")
    published = _published(settings, clients, shards)
    say(f"read {len(published):,} records; reading ledger, dead letters, lake and alerts")
    ledger = read_ledger(reader, epoch, partial(silent_identities, published, checkpoints))
    letters = read_dead_letters(Bucket(clients.s3, settings.dead_letter_bucket), epoch)
    lake = read_lake(Bucket(clients.s3, settings.lake_bucket), epoch)
    return Evidence(
        epoch=epoch,
        published=published,
        checkpoints=checkpoints,
        decisions=ledger.decisions,
        refusals=ledger.refusals,
        replayed=ledger.replayed,
        resolved=ledger.resolved,
        lake=lake.rows,
        outbox=ledger.outbox,
        received=_received(settings, clients, epoch, ledger.outbox),
        dead_letters=letters.letters,
        policies=read_policies(settings, {row.policy_version for row in ledger.decisions}),
        shards=frozenset(shard.shard_id for shard in shards),
        decided_elsewhere=ledger.decided_elsewhere,
        damaged=[*lake.damaged, *letters.damaged],
        foreign=[*lake.foreign, *letters.foreign],
        consumer_version=version("fraudstream"),
        starts_at_latest=settings.initial_position == "LATEST",
        reads_from=settings.initial_timestamp if settings.initial_position == "AT_TIMESTAMP" else None,
    )


def _published(settings: Settings, clients: AwsClients, shards: Sequence[Shard]) -> list[StreamRecord]:
    reading = read_stream(clients.kinesis, settings.stream_name, shards=shards, is_paced=not settings.is_local)
    return list(reading)


def _received(
    settings: Settings, clients: AwsClients, epoch: StreamEpoch, outbox: Iterable[OutboxEntry]
) -> list[dict[str, Any]] | None:
    """Collect until everything sent has arrived, or none of it came for ten seconds: a topic delivers when it pleases."""
    if settings.alert_queue_url is None:
        return None
    alerts = ReceivedAlerts(clients.sqs, settings.alert_queue_url, settings.state_dir / RECEIVED_FILE)
    missing: Collection[object] = {entry.alert_id for entry in outbox if entry.state == "sent"}
    deadline_s = time.monotonic() + _SETTLE_S
    while True:
        alerts.collect(_COLLECTED_AT_ONCE)
        documents = alerts.all()
        read = [read_message(document) for document in documents]
        arrived = {message.alert_id for message in read if message and message.position.stream_epoch == epoch}
        still_missing = [number for number in missing if number not in arrived]
        if len(still_missing) < len(missing):
            deadline_s = time.monotonic() + _SETTLE_S
        missing = still_missing
        if not missing or time.monotonic() > deadline_s:
            return documents
        time.sleep(0.2)
