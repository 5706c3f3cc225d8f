"""Sinks that cost as little as a sink can and keep as little as it may: what is left in a measurement is the worker itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, MerchantWindows, Wanted
from schemas.position import ShardId, StreamEpoch
from sinks.lake.keys import shard_prefix
from sinks.port import Candidate, ChunkFooter, ChunkObject, Delivery, Known, Refusal

_NOTHING_HAPPENED = MerchantWindows((0, 0, 0), (0, 0, 0))


class InstantLedger:
    """A `sinks.port.Ledger` that knew nothing before and takes everything. It keeps no rows: give it each event once.

    Nobody has a past in it, so that users are found, loaded and remembered as with the real one, but their first look finds nothing.
    """

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `sinks.port.Ledger.look_up`."""
        del readable, unreadable
        return Known({}, (), dict.fromkeys(wanted.users, ()), dict.fromkeys(wanted.merchants, _NOTHING_HAPPENED))

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        """See `sinks.port.Ledger.commit`."""
        del alerts, refusals
        return {decision.identity: decision for decision in decisions}


class InstantLake:
    """A `sinks.port.Lake` that keeps footers, not rows."""

    def __init__(self) -> None:
        self._footers: dict[str, ChunkFooter] = {}

    def put(self, chunk: ChunkObject) -> ChunkFooter:
        """See `sinks.port.Lake.put`."""
        return self._footers.setdefault(chunk.key, chunk.footer)

    def footer(self, key: str) -> ChunkFooter | None:
        """See `sinks.port.Lake.footer`."""
        return self._footers.get(key)

    def keys(self, arrival_day: date, epoch: StreamEpoch, shard_id: ShardId) -> Sequence[str]:
        """See `sinks.port.Lake.keys`."""
        prefix = shard_prefix(arrival_day, epoch, shard_id)
        return sorted(key for key in self._footers if key.startswith(prefix))
