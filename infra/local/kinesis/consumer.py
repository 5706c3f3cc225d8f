"""Enhanced fan-out: a stream's registered consumers and the subscriptions through which shards are pushed to them. Pure state."""

from dataclasses import dataclass, field
from typing import NamedTuple

from infra.local.kinesis.errors import ResourceInUseException
from infra.local.kinesis.shard import Record, Shard

LIFETIME_MS = 300_000
_GUARDED_MS = 5_000
_BYTES_AT_MOST = 1 << 20
_RECORDS_AT_MOST = 10_000


class Push(NamedTuple):
    """What goes to the consumer at once; ``continuation`` is where to go on after, None at the shard's end."""

    records: list[Record]
    continuation: str | None
    millis_behind_latest: int


@dataclass(slots=True, eq=False)
class Subscription:
    """A shard's records on their way to one consumer: for five minutes, until the shard ends, or until another takes over."""

    shard: Shard
    next_number: int
    started_ms: int
    is_ended: bool = False

    def is_over(self, now_ms: int) -> bool:
        """Whether nothing will be pushed any more."""
        return self.is_ended or now_ms - self.started_ms >= LIFETIME_MS

    def end(self) -> None:
        """End it before its time."""
        self.is_ended = True
        self.shard.announce()

    def take(self, now_ms: int) -> Push | None:
        """Give what comes next, and be past it; None where there is nothing new. The end of the shard ends the subscription."""
        records = self.shard.read(self.next_number, max_records=_RECORDS_AT_MOST, max_bytes=_BYTES_AT_MOST)
        if records:
            self.next_number = int(records[-1].sequence_number) + 1
            return self.state(now_ms, records)
        if self.shard.is_open:
            return None
        self.is_ended = True
        return Push([], None, 0)

    def state(self, now_ms: int, records: list[Record]) -> Push:
        """Say where the subscription stands, after ``records``; without any it is the sign of life that idle shards give."""
        unread = self.shard.first_from(self.next_number)
        behind_ms = max(0, now_ms - unread.arrival_ms) if unread else 0
        return Push(records, str(max(self.next_number - 1, self.shard.first_sequence_number)), behind_ms)


@dataclass(slots=True)
class Consumer:
    """A registered consumer, active at once; its subscriptions by shard, the latest of each."""

    name: str
    arn: str
    created_ms: int
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    def subscribe(self, shard: Shard, first_number: int, now_ms: int) -> Subscription:
        """Begin a subscription; one that is older than five seconds ends, a younger one raises ``ResourceInUseException``."""
        last = self.subscriptions.get(shard.shard_id)
        if last and now_ms - last.started_ms < _GUARDED_MS:
            raise ResourceInUseException(
                f"Another active subscription exists for this consumer: {self.arn} and shard {shard.shard_id}."
            )
        if last:
            last.end()
        self.subscriptions[shard.shard_id] = Subscription(shard, first_number, now_ms)
        return self.subscriptions[shard.shard_id]

    def end(self) -> None:
        """End all subscriptions: the consumer or its stream goes."""
        for subscription in self.subscriptions.values():
            subscription.end()
