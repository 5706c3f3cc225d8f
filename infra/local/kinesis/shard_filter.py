"""Which shards ListShards shows for each type of filter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.local.kinesis.errors import InvalidArgumentException
from infra.local.kinesis.shard import Shard
from infra.local.kinesis.stream import Stream


@dataclass(frozen=True, slots=True)
class ShardFilter:
    """A request's ``ShardFilter``; the time is epoch milliseconds."""

    type: str = "FROM_TRIM_HORIZON"
    shard_id: str | None = None
    timestamp_ms: int | None = None

    def select(self, stream: Stream, now_ms: int) -> list[Shard]:
        """Give the matching shards in the order of their ids. A time before the trim horizon counts as the horizon."""
        matches = _MATCHES[self.type]
        horizon_ms = stream.horizon_ms(now_ms)
        bound_ms = max(horizon_ms, self._bound_ms(horizon_ms))
        return [shard for shard in stream.shards.values() if matches(shard, self._after(), bound_ms)]

    def _bound_ms(self, horizon_ms: int) -> int:
        if not self.type.endswith("_TIMESTAMP"):
            return horizon_ms
        if self.timestamp_ms is None:
            raise InvalidArgumentException(f"ShardFilter {self.type} needs a Timestamp.")
        return self.timestamp_ms

    def _after(self) -> str:
        if self.type == "AFTER_SHARD_ID" and self.shard_id is None:
            raise InvalidArgumentException("ShardFilter AFTER_SHARD_ID needs a ShardId.")
        return self.shard_id or ""


def _was_open_at(shard: Shard, at_ms: int) -> bool:
    return shard.opened_ms <= at_ms and (shard.closed_ms is None or shard.closed_ms > at_ms)


def _was_open_at_or_ended_then(shard: Shard, at_ms: int) -> bool:
    return shard.opened_ms <= at_ms and (shard.closed_ms is None or shard.closed_ms >= at_ms)


_MATCHES: Mapping[str, Callable[[Shard, str, int], bool]] = {
    "AFTER_SHARD_ID": lambda shard, after, _: shard.shard_id > after,
    "AT_TRIM_HORIZON": lambda shard, _, horizon_ms: _was_open_at(shard, horizon_ms),
    "FROM_TRIM_HORIZON": lambda _shard, _after, _bound_ms: True,
    "AT_LATEST": lambda shard, _after, _bound_ms: shard.is_open,
    "AT_TIMESTAMP": lambda shard, _, at_ms: _was_open_at_or_ended_then(shard, at_ms),
    "FROM_TIMESTAMP": lambda shard, _, from_ms: shard.closed_ms is None or shard.closed_ms >= from_ms,
}
