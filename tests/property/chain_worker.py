"""One worker of the simulated shard, and its unreliable ways to the lake and to the Kinesis Client Library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING, TypeVar

from schemas.position import Position, ShardId, StreamEpoch
from sinks.errors import LeaseLost, TransientSinkError
from sinks.lake.background import at_once
from sinks.lake.chunks import Consumed, CutPolicy
from sinks.port import ChunkFooter, ChunkObject
from tests.property.beside import beside
from tests.property.chain_rules import Died, Violation
from tests.property.chain_stream import EPOCH, SHARD, Record

if TYPE_CHECKING:
    from tests.property.chain_world import World

T = TypeVar("T")
_MAX_SUSPENDED = 3


@dataclass
class Application:
    """A KCL application: its lease table has one shard."""

    initial: int
    checkpoint: Position | None = None
    owner: Worker | None = None


class Worker:
    """One incarnation of one shard's worker: owner at first, a zombie as soon as another takes the lease."""

    def __init__(self, world: World, application: Application, start: int, name: str) -> None:
        self.world, self.application, self.start, self.next, self.name = world, application, start, start, name
        self.is_alive, self.is_suspended = True, False
        self._delivered: Position | None = None
        rules = world.rules
        self.appender = rules.appender(
            rules.chain(EPOCH, SHARD, _random_policy(world.random)),
            _FlakyLake(self),
            retry=self._retry,
            new_chunk_id=self._new_chunk_id,
            clock=lambda: world.now_s,
            checkpoint=self._checkpoint,
            background=world.random.choice([at_once, beside(world.random, is_calm=lambda: world.is_calm)]),
        )

    def __str__(self) -> str:
        return self.name

    def step(self) -> None:
        """Take a batch, mostly; or close what is open; or nothing but the tick of an empty batch."""
        draw = self.world.random.random()
        self._guarded(self._deliver if draw < 0.8 else self.appender.tick if draw < 0.9 else self._shut_down)

    def finish(self) -> None:
        """Consume the rest of the stream and flush."""
        while self.is_alive and self.next < self.world.size:
            self._guarded(self._deliver)
        if self.is_alive:
            self._guarded(self.appender.flush)

    def die(self) -> None:
        """Be killed between two calls."""
        self.world.note(self, "dies")
        self.is_alive = False

    def interrupt(self) -> None:
        """Be suspended while others go on, perhaps for ever."""
        world = self.world
        if world.suspended < _MAX_SUSPENDED and world.happens(0.3):
            self.is_suspended = True
            world.suspended += 1
            for _ in range(world.random.randint(1, 6)):
                world.step()
            world.suspended -= 1
            self.is_suspended = False
        if not self.is_alive or world.happens(0.02):
            raise Died

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (Died, LeaseLost) as end:
            self.world.note(self, "ends:", type(end).__name__)
            self.is_alive = False

    def _shut_down(self) -> None:
        self.appender.flush()
        self.is_alive = self.world.random.random() < 0.5

    def _deliver(self) -> None:
        batch = self.world.stream[self.next : self.next + self.world.random.randint(1, 15)]
        if not batch:
            return self.appender.tick()
        self.next += len(batch)
        self._delivered = batch[-1].place
        self.appender.start_at(Consumed(batch[0].position, batch[0].arrival_time))
        consumed = [self._consume(record) for record in batch]
        self.interrupt()
        return self.appender.append(consumed)

    def _consume(self, record: Record) -> Consumed:
        effective = None
        if record.decision is not None and not self.appender.skips(record.position):
            effective = self.world.ledger.setdefault(record.decision.transaction_id, record.decision)
        row = self.world.rules.row_of(record.position, effective)
        return Consumed(record.position, record.arrival_time, row)

    def _checkpoint(self, position: Position) -> None:
        self.interrupt()
        self.world.note(self, "checkpoints", position, self.application.owner)
        if self.application.owner is not self:
            raise LeaseLost
        if self._delivered is None or position > self._delivered:
            raise Violation(f"{self} checkpoints {position}, beyond {self._delivered}, which was delivered")
        if self.application.checkpoint is not None and position < self.application.checkpoint:
            raise Violation(f"{self} checkpoints {position}, before the last checkpoint {self.application.checkpoint}")
        self.application.checkpoint = position
        self.world.owed.append((self.world.stream[self.start].place, position))
        self.interrupt()

    def _retry(self, call: Callable[[], T]) -> T:
        while True:
            try:
                return call()
            except TransientSinkError:
                self.interrupt()

    def _new_chunk_id(self) -> str:
        self.world.chunk_ids += 1
        return f"{self.name}-{self.world.chunk_ids}"


class _FlakyLake:
    """The way of one worker to the lake: calls are suspended, fail, time out and land late, or are the last of their process."""

    def __init__(self, worker: Worker) -> None:
        self._worker, self._world = worker, worker.world

    def put(self, chunk: ChunkObject) -> ChunkFooter:
        world = self._world
        self._worker.interrupt()
        world.note(self._worker, "puts", chunk.key[-29:-8], chunk.footer.end[2:], chunk.footer.chunk_id)
        if world.happens(0.05):
            world.on_the_wire.append(chunk)
            raise world.random.choice([Died, TransientSinkError])
        if world.happens(0.1):
            world.lake.fail_next(world.random.choice(["before", "after"]))
        footer = world.lake.put(chunk)
        world.note(self._worker, "finds", footer.end[2:], footer.chunk_id)
        self._worker.interrupt()
        return footer

    def footer(self, key: str) -> ChunkFooter | None:
        self._worker.interrupt()
        return self._world.lake.footer(key)

    def keys(self, arrival_day: date, epoch: StreamEpoch, shard_id: ShardId) -> Sequence[str]:
        self._worker.interrupt()
        return self._world.lake.keys(arrival_day, epoch, shard_id)


def _random_policy(random: Random) -> CutPolicy:
    return CutPolicy(
        max_age_s=random.choice([1, 10, 100]),
        empty_max_age_s=random.choice([1, 20, 1000]),
        max_rows=random.choice([1, 5, 20, 1000]),
        max_records=random.choice([1, 10, 40, 1000]),
    )
