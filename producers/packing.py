"""How records become what travels: each by itself, or in aggregates under a shard map that is read when it is needed or was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from producers.aggregation import Aggregation, Parcel, has_strayed, pack, wrap
from producers.batches import BatchLimits
from producers.records import OutgoingRecord, PlacedRecord
from producers.shard_map import ShardLister, ShardMap, read_shard_map

_log = structlog.get_logger(__name__)


class Packing(Protocol):
    """What a publisher asks of either way."""

    def pack(self, records: Sequence[OutgoingRecord], indexes: Sequence[int]) -> list[Parcel]:
        """Return one request with as many of the records as it holds. Raises botocore's ClientError and BotoCoreError."""
        ...

    def strayed(
        self, records: Sequence[OutgoingRecord], parcels: Sequence[Parcel], placed: Mapping[int, PlacedRecord]
    ) -> set[int]:
        """Return which of the parcels that were stored, by index, lie where KCL may never deliver them: they must be sent again."""
        ...


class Wrapping:
    """Each record by itself: Kinesis routes it, so none can stray."""

    def pack(self, records: Sequence[OutgoingRecord], indexes: Sequence[int]) -> list[Parcel]:
        """See `Packing`."""
        return wrap(records, indexes)

    def strayed(self, *_: object) -> set[int]:
        """See `Packing`."""
        return set()


class Aggregating:
    """Aggregates per shard. The map is read at the first request, and again whenever Kinesis names another shard than planned."""

    def __init__(self, client: ShardLister, stream_name: str, aggregation: Aggregation, limits: BatchLimits) -> None:
        self._client, self._stream_name = client, stream_name
        self._aggregation, self._limits = aggregation, limits
        self._shards: ShardMap | None = None

    def pack(self, records: Sequence[OutgoingRecord], indexes: Sequence[int]) -> list[Parcel]:
        """See `Packing`."""
        if self._shards is None:
            self._shards = read_shard_map(self._client, self._stream_name)
        return pack(records, indexes, self._shards, self._aggregation, self._limits)

    def strayed(
        self, records: Sequence[OutgoingRecord], parcels: Sequence[Parcel], placed: Mapping[int, PlacedRecord]
    ) -> set[int]:
        """See `Packing`. What cannot be looked up counts as strayed: to send it twice does no harm."""
        elsewhere = {n for n, place in placed.items() if parcels[n].shard_id not in {None, place.shard_id}}
        if not elsewhere:
            return elsewhere
        self._shards = self._read_again()
        shards = self._shards or ShardMap([])
        found = {n for n in elsewhere if has_strayed(parcels[n], placed[n].shard_id, records, shards)}
        misrouted = sum(len(parcels[n].members) for n in found)
        _log.info("shards_changed", stream=self._stream_name, misrouted=misrouted)
        return found

    def _read_again(self) -> ShardMap | None:
        try:
            return read_shard_map(self._client, self._stream_name)
        except (ClientError, BotoCoreError):  # said when the next request needs it
            return None
