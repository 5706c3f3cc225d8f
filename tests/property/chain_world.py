"""The world around the chunk chain: KCL's leases and checkpoints, workers that die or linger as zombies, PUTs that land late.

Everything is drawn from one seeded Random. A worker inside a call is suspended while others run on, so they meet at every point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from schemas.position import Position
from sinks.lake.keys import parse_chunk_key
from sinks.port import ChunkObject
from tests.property.chain_rules import Rules, Violation
from tests.property.chain_stream import random_stream
from tests.property.chain_worker import Application, Worker


@dataclass
class World:
    """One shard, one bucket, one ledger, and every process that ever touched them."""

    seed: int
    size: int
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        self.random = Random(f"{self.seed}/{self.size}")
        self.stream, elsewhere = random_stream(self.random, self.size)
        self.ledger = {decision.transaction_id: decision for decision in elsewhere}
        self.lake = self.rules.lake()
        self.on_the_wire: list[ChunkObject] = []
        self.workers: list[Worker] = []
        self.owed: list[tuple[Position, Position]] = []
        self.events: list[str] = []
        self.now_s, self.trimmed, self.suspended, self.chunk_ids = 0.0, 0, 0, 0
        self.is_calm = False
        self._weights = [self.random.choice(often) for often in ((0, 3), (0, 3), (3, 12), (2, 5), (4, 10), (75,))]
        self.application = Application(self._somewhere())

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens now; nothing bad does once the world is calm."""
        return not self.is_calm and self.random.random() < probability

    def note(self, who: object, what: object, *facts: object) -> None:
        """Keep what happened, for whoever reads a failure."""
        self.events.append(" ".join(str(part) for part in (who, what, *facts)))

    def run(self) -> None:
        """Let it rage, then let everything settle: what is on the wire lands, and the stream is consumed to its end."""
        for _ in range(self.random.randint(5, 60)):
            self.step()
        self.is_calm = True
        while self.on_the_wire or self.application.checkpoint != self.stream[-1].place:
            self._settle()
        for worker in self.living():
            worker.finish()

    def step(self) -> None:
        """One thing happens."""
        actions = [
            self._restart_elsewhere,
            self._lose_the_past,
            self._steal_the_lease,
            self._kill,
            self._land,
            self._work,
        ]
        self.random.choices(actions, self._weights)[0]()

    def living(self) -> list[Worker]:
        """Processes that are neither dead nor suspended."""
        return [worker for worker in self.workers if worker.is_alive and not worker.is_suspended]

    def index_after(self, place: Position) -> int:
        """The index of the first record beyond `place`."""
        return sum(record.place <= place for record in self.stream)

    def _settle(self) -> None:
        self._land()
        owner = self.application.owner
        if owner is None or not owner.is_alive:
            self._steal_the_lease()
        for worker in self.living():
            worker.finish()
        owner, checkpoint = self.application.owner, self.application.checkpoint
        if owner is not None and owner.is_alive and checkpoint != self.stream[-1].place:
            raise Violation(f"the checkpoint stays at {checkpoint} though everything was delivered and flushed")

    def _kill(self) -> None:
        if living := self.living():
            self.random.choice(living).die()

    def _work(self) -> None:
        owner = self.application.owner
        if owner is None or not owner.is_alive:
            self._steal_the_lease()
        self.now_s += self.random.choice([0, 1, 5])
        if living := self.living():
            self.random.choice(living).step()

    def _land(self) -> None:
        if self.on_the_wire:
            chunk = self.on_the_wire.pop(self.random.randrange(len(self.on_the_wire)))
            self.note("wire", "lands", chunk.key[-18:-8], chunk.footer)
            self.lake.put(chunk)

    def _steal_the_lease(self) -> None:
        application = self.application
        start = application.initial if application.checkpoint is None else self.index_after(application.checkpoint)
        application.owner = Worker(self, application, max(start, self.trimmed), f"w{len(self.workers)}")
        self.workers.append(application.owner)
        self.note(application.owner, "starts at", application.owner.next)

    def _restart_elsewhere(self) -> None:
        """Another application name, AT_TIMESTAMP, a lost lease table. Off the chain it is only safe once all is quiet."""
        start = self._somewhere()
        if not all(map(self._is_on_the_chain, [start, *self._beginnings()])):
            self._go_quiet()
        self.note("new application at", start)
        self.application = Application(start)

    def _lose_the_past(self) -> None:
        """Nobody consumed for longer than the retention: records beyond the checkpoint are trimmed."""
        self._go_quiet()
        self.trimmed = max(self.trimmed, self._somewhere())
        self.note("trimmed to", self.trimmed)
        self.application.owner = None

    def _go_quiet(self) -> None:
        for worker in self.workers:
            worker.is_alive = False
        while self.on_the_wire:
            self._land()

    def _somewhere(self) -> int:
        return self.random.randrange(self.trimmed, self.size)

    def _beginnings(self) -> list[int]:
        """Where everything that may still write began: workers, and PUTs whose worker is gone."""
        wire = [self.index_after(parse_chunk_key(chunk.key).first.within_shard) - 1 for chunk in self.on_the_wire]
        return [*wire, *(worker.start for worker in self.workers if worker.is_alive and worker.start < self.size)]

    def _is_on_the_chain(self, start: int) -> bool:
        place, previous = self.stream[start].place, self.stream[start - 1].place if start else None
        return any(
            parse_chunk_key(key).first.within_shard <= place <= chunk.footer.end.within_shard
            or chunk.footer.end.within_shard == previous
            for key, chunk in self.lake.objects.items()
        )
