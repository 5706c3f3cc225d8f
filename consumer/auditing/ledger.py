"""Reads one moment of the ledger: decisions, refusals and outbox of an epoch, and what other epochs decided of its events."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.auditing.evidence import AlertState, OutboxEntry
from schemas.decision import Decision, Identity
from schemas.position import StreamEpoch, StreamPosition
from sinks.ledger.reader import LedgerReader
from sinks.ledger.rows import OutboxRow
from sinks.port import Refusal

Silent = Callable[[Sequence[Decision], Collection[StreamPosition]], Iterable[Identity]]
"""Given the epoch's decisions and the positions that are refused for good, the identities whose decision another epoch may have."""


class LedgerMoment(NamedTuple):
    """What the ledger held."""

    decisions: list[Decision]
    refusals: dict[StreamPosition, Refusal]
    replayed: set[StreamPosition]
    resolved: set[StreamPosition]
    outbox: list[OutboxEntry]
    decided_elsewhere: list[Decision]


def read_ledger(reader: LedgerReader, epoch: StreamEpoch, silent: Silent) -> LedgerMoment:
    """Return what the ledger holds of the epoch, all as of one moment. Raises sink errors."""
    with reader.one_moment():
        decisions = list(reader.all_decisions(epoch))
        stored = {each.refusal.position: each for each in reader.all_refusals(epoch)}
        alerts = list(reader.all_alerts())
        resolved = {position for position, each in stored.items() if each.resolved_at is not None}
        asked = silent(decisions, stored.keys() - resolved)
        elsewhere = [row for row in reader.find_all(asked) if row.stream_epoch != epoch]
    identities = {row.identity for row in decisions}
    entries = [(row.identity, outbox_entry(row)) for row in alerts]
    outbox = [entry for identity, entry in entries if identity in identities or _epoch_of(entry.payload) == epoch]
    refusals = {position: each.refusal for position, each in stored.items()}
    replayed = {position for position, each in stored.items() if each.replayed_at is not None}
    return LedgerMoment(decisions, refusals, replayed, resolved, outbox, elsewhere)


def outbox_entry(row: OutboxRow) -> OutboxEntry:
    """Return the outbox row as the audit sees it."""
    payload = json.loads(row.payload)
    return OutboxEntry(row.alert_id, payload if isinstance(payload, dict) else {}, _state_of(row))


def _state_of(row: OutboxRow) -> AlertState:
    """A relay that got no answer tries again, and may give up at last an alert that had arrived."""
    if row.state == "sent":
        return "sent"
    if row.state == "pending":
        return "waiting"
    tries_without_answer = row.attempts - (row.state == "parked")
    return "tried" if tries_without_answer else "kept"


def _epoch_of(payload: Mapping[str, Any]) -> object:
    position = payload.get("position")
    return position.get("stream_epoch") if isinstance(position, dict) else None
