"""What the daemons of all consumers do next: which message an idle worker gets, and how far a conversation goes on."""

from __future__ import annotations

from schemas.position import ShardId
from sinks.lake.keys import parse_chunk_key
from tests.property.effects_kcl import Consumer
from tests.property.effects_leases import Lease, Violation
from tests.property.effects_world import World

_WHOLE = 1_000
"""More calls than any batch needs."""
_BATCHES = 3
_ROUNDS = 100


class Daemons:
    """KCL on every host."""

    def __init__(self, world: World) -> None:
        self._world = world

    def served(self) -> list[Consumer]:
        """Consumers that KCL may have something to tell."""
        return [c for c in self._world.living() if c.is_idle and c.is_open and not c.is_stopping]

    def message(self, consumer: Consumer, size: int) -> None:
        """Send what KCL would send next to an idle worker."""
        if consumer.is_stopping:
            (consumer.lose_lease if consumer.is_open else consumer.hang_up)()
        elif not consumer.is_open:
            self._initialize(consumer)
        elif consumer.next >= len(consumer.records) and self._world.is_closed(consumer.lease.shard_id):
            (consumer.lose_lease if consumer.has_ended else consumer.end_shard)()
        else:
            consumer.deliver(size)

    def run(self, consumer: Consumer, calls: int = _WHOLE) -> None:
        """Let the worker go on until it is idle, waits for a sink or has made so many calls."""
        while calls and consumer.is_alive and not consumer.is_idle:
            consumer.advance()
            calls -= 1
            if consumer.process.point == "waits":
                break
        self._world.check(consumer)

    def go(self, consumer: Consumer, size: int, calls: int) -> None:
        """Give an idle worker a message, and let it go on."""
        if consumer.is_idle:
            self.message(consumer, size)
        self.run(consumer, calls)

    def reach(self, consumer: Consumer, point: str, size: int) -> bool:
        """Let the worker go on to a point, if it gets there within a few batches, and say whether it did."""
        for _ in range(_BATCHES):
            if consumer.is_idle:
                self.message(consumer, size)
            while consumer.is_alive and not consumer.is_idle:
                if consumer.standing == point:
                    return True
                consumer.advance()
                if consumer.process.point == "waits":
                    return False
            self._world.check(consumer)
        return False

    def let_answer(self, consumer: Consumer) -> None:
        """Let the worker go on until it is idle or over, whatever it waits for; raises Violation if it waits for ever."""
        for _ in range(_ROUNDS):
            self.run(consumer)
            if consumer.is_idle or not consumer.is_alive:
                return
        raise Violation(f"{consumer.name} waits for ever")

    def go_quiet(self) -> None:
        """No consumer is left, and no request of theirs is on its way."""
        for consumer in self._world.living():
            consumer.process.kill()
        for bucket in (self._world.lake, self._world.letters):
            while bucket.on_the_wire:
                bucket.land(0)

    def is_on_the_chain(self, lease: Lease) -> bool:
        """Whether a new application and all that may still write begin at links of one chain."""
        world, shard_id = self._world, lease.shard_id
        consumers = [consumer for consumer in world.living() if consumer.lease.shard_id == shard_id]
        begun = [consumer.start for consumer in consumers if consumer.start < len(world.shard(shard_id))]
        is_wire_empty = not world.lake.on_the_wire
        return is_wire_empty and all(self._is_a_link(shard_id, index) for index in [lease.start, *begun])

    def _is_a_link(self, shard_id: ShardId, index: int) -> bool:
        """Whether an object covers the record, or ends right before it."""
        places = [record.position.sequence_number for record in self._world.shard(shard_id)[: index + 1]]
        for key, stored in self._world.lake.objects.items():
            first, end = parse_chunk_key(key).first, int(stored.metadata["end-sequence-number"])
            if first.shard_id == shard_id and (first.sequence_number <= places[-1] <= end or [end] == places[-2:-1]):
                return True
        return False

    def _initialize(self, consumer: Consumer) -> None:
        if consumer.was_initialized and not self._world.may_start(consumer.lease):
            return
        if consumer.was_initialized:
            self._world.fired("initialized again")
            consumer.lease.owner = consumer
        consumer.initialize()
