"""The streams of one AWS region, found by name or ARN."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.kinesis.errors import (
    InvalidArgumentException,
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from infra.local.kinesis.stream import ACCOUNT_ID, Stream

_SHARDS_AT_MOST = 500  # the default quota of us-east-1


@dataclass(slots=True)
class Region:
    """All that the API remembers for a region."""

    name: str
    streams: dict[str, Stream] = field(default_factory=dict)

    def add(self, stream: Stream) -> None:
        """Take in a new stream; raises ``ResourceInUseException`` where the name is taken."""
        if stream.name in self.streams:
            raise ResourceInUseException(f"Stream {stream.name} under account {ACCOUNT_ID} already exists.")
        self.streams[stream.name] = stream

    def check_quota(self, more: int) -> None:
        """Raise ``LimitExceededException`` where so many more open shards would be too many for all provisioned streams."""
        provisioned = (stream for stream in self.streams.values() if stream.mode == "PROVISIONED")
        if more > 0 and sum(len(stream.open_shards) for stream in provisioned) + more > _SHARDS_AT_MOST:
            raise LimitExceededException(
                f"This request would exceed the shard limit for the account {ACCOUNT_ID} in {self.name}. "
                f"Limit: {_SHARDS_AT_MOST}. Number of additional shards that would have resulted: {more}."
            )

    def stream(self, name: str, now_ms: int) -> Stream:
        """Find a stream, trimmed to its retention period as of ``now_ms``."""
        if name not in self.streams:
            raise ResourceNotFoundException(f"Stream {name} under account {ACCOUNT_ID} not found.")
        stream = self.streams[name]
        stream.trim(now_ms)
        return stream

    def incarnation(self, name: str, created_ms: int, now_ms: int) -> Stream:
        """Find a stream by name and age: a token must not read a stream that was deleted and made anew."""
        stream = self.stream(name, now_ms)
        if stream.created_ms != created_ms:
            raise ResourceNotFoundException(f"Stream {name} under account {ACCOUNT_ID} was created anew.")
        return stream

    def named_in(self, members: Mapping[str, Any], now_ms: int) -> Stream:
        """Find the stream that a request's ``StreamName`` or ``StreamARN`` names."""
        arn = members.get("StreamARN")
        name = arn.partition(":stream/")[2].partition("/")[0] if arn else members.get("StreamName")
        if name is None:
            raise InvalidArgumentException("Neither StreamName nor StreamARN is given; one of them must be.")
        return self.stream(name, now_ms)
