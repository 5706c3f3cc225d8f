"""A whole gateway on memory adapters, for tests: its stream is decided at once by the real pipeline, unless told otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

import httpx

from consumer.scoring.reasons import reason_text
from producers.errors import NoProgressError
from producers.gateway.api_key import SCOPES, make_key
from producers.gateway.app import create_app
from producers.gateway.front import Front, FrontLedgers, FrontSettings, open_front
from producers.gateway.keys import KeyRing
from producers.gateway.limits import MemoryLimits
from producers.gateway.metrics import GatewayMetric
from producers.records import OutgoingRecord, PlacedRecord
from schemas.label import Label
from schemas.position import StreamPosition, StreamRecord
from sinks.feedback import LabelOutcome
from sinks.front import ApiKey, Found, Reservation, Standing
from sinks.ledger.memory_api_keys import MemoryApiKeys
from sinks.ledger.memory_feedback import MemoryLabels
from sinks.ledger.memory_front import MemoryFront
from tests.gateway_builders import a_body
from tests.pipeline_builders import EPOCH, NOW, SHARD, World

T = TypeVar("T")
PEPPER = b"a pepper for tests only"
MADE = make_key(PEPPER, name="tests", scopes=SCOPES, rate_per_s=1_000, burst=10_000, created_at=NOW)
QUICK = FrontSettings(deadline_s=5.0, poll_s=0.002, linger_s=0.0)
"""Nothing is waited for in vain, and what is there is seen at once."""
IMPATIENT = FrontSettings(deadline_s=0.3, poll_s=0.002, linger_s=0.0)
CLASSIFY = "/api/v1/classify"


class Failing:
    """What fails for as long as it is told to, and for the reason given."""

    failure: Exception | None = None

    def fail(self) -> None:
        """Raise the failure, if there is one."""
        if self.failure is not None:
            raise self.failure


class FailingFront(MemoryFront, Failing):
    """See `sinks.front.FrontLedger`."""

    def reserve(self, asked: Sequence[Reservation]) -> Sequence[Standing]:
        """See `sinks.front.FrontLedger.reserve`."""
        self.fail()
        return super().reserve(asked)

    def find(self, transaction_id: str) -> Found:
        """See `sinks.front.FrontLedger.find`."""
        self.fail()
        return super().find(transaction_id)

    def check(self) -> None:
        """See `sinks.front.FrontLedger.check`."""
        self.fail()


class FailingLabels(MemoryLabels, Failing):
    """See `sinks.feedback.Labels`."""

    def put(self, labels: Sequence[Label], *, is_dry_run: bool = False) -> Sequence[LabelOutcome]:
        """See `sinks.feedback.Labels.put`."""
        self.fail()
        return super().put(labels, is_dry_run=is_dry_run)


class FailingKeys(MemoryApiKeys, Failing):
    """See `sinks.front.ApiKeys`."""

    def find(self, key_id: str) -> ApiKey | None:
        """See `sinks.front.ApiKeys.find`."""
        self.fail()
        return super().find(key_id)


class MemoryStream(Failing):
    """Plays Kinesis and the consumer: what is submitted is placed, and decided by the pipeline as soon as `is_deciding`."""

    def __init__(self, world: World) -> None:
        self.world, self._worker = world, world.worker()
        self.records: list[OutgoingRecord] = []
        self.is_deciding, self.is_silent, self.is_failing, self.is_closed = True, False, False, False
        self.arrival_time = NOW
        self._undecided: list[StreamRecord] = []
        self._numbers, self._taken = count(1), asyncio.Event()

    def submit(self, record: OutgoingRecord, /) -> Future[PlacedRecord]:
        """Place the record; silent: nobody ever says where; failing: Kinesis does not take it."""
        future: Future[PlacedRecord] = Future()
        if self.is_failing:
            future.set_exception(NoProgressError(1, 10, "throttled"))
        elif not self.is_silent:
            future.set_result(self.take(record.data, record.partition_key))
        return future

    def take(self, data: bytes, partition_key: str = "u-1") -> PlacedRecord:
        """Place what anybody publishes, with or without a gateway."""
        number = next(self._numbers)
        self.records.append(OutgoingRecord(data, partition_key))
        position = StreamPosition(EPOCH, SHARD, number)
        self._undecided.append(StreamRecord(data, partition_key, position, self.arrival_time))
        if self.is_deciding:
            self.decide()
        self._taken.set()
        return PlacedRecord(SHARD, str(number))

    async def wait_for(self, records: int) -> None:
        """Wait until so many were taken, by anybody."""
        while len(self.records) < records:
            self._taken.clear()
            await self._taken.wait()

    def decide(self) -> None:
        """Decide what waits."""
        records, self._undecided = self._undecided, []
        self.world.process(self._worker, records)

    def check(self) -> None:
        """Can the stream be reached?"""
        self.fail()

    def close(self, _timeout_s: float = 10.0, /) -> None:
        """See `Publishing.close`."""
        self.is_closed = True


@dataclass(slots=True)
class House:
    """One gateway, its world and a client that holds a key with every scope."""

    world: World
    stream: MemoryStream
    ledgers: Mapping[str, FailingFront]
    labels: FailingLabels
    keys: FailingKeys
    front: Front
    client: httpx.AsyncClient
    figures: list[tuple[GatewayMetric, float, Mapping[str, str]]]

    async def classify(self, body: bytes | None = None, **changes: Any) -> httpx.Response:
        """Ask for a decision on the good request with `changes`, or on `body`."""
        return await self.post(CLASSIFY, a_body(**changes) if body is None else body)

    async def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        """Post JSON."""
        return await self.client.post(path, content=body, headers={"Content-Type": "application/json", **headers})


@asynccontextmanager
async def a_house(
    *,
    settings: FrontSettings = QUICK,
    key: ApiKey = MADE.kept,
    shown: str = MADE.shown,
    world: World | None = None,
    new_id: Callable[[], str] | None = None,
    now: datetime = NOW,
) -> AsyncIterator[House]:
    """Give a gateway that runs in this event loop; give the same world to several to have several gateways, or one after a crash."""
    world = world or World()
    world.store.api_keys[key.key_id] = key
    stream, figures = MemoryStream(world), list[tuple[GatewayMetric, float, Mapping[str, str]]]()
    ledgers = {name: FailingFront(world.store) for name in ("reserving", "watching", "finding", "checking")}
    labels, keys, numbers = (
        FailingLabels(world.store, lambda: NOW),
        FailingKeys(world.store),
        count(1),
    )
    front = open_front(
        FrontLedgers(**ledgers, labels=labels),
        stream,
        KeyRing(keys, PEPPER, now=lambda: NOW),
        MemoryLimits(),
        epoch=EPOCH,
        check_stream=stream.check,
        reason_text=reason_text,
        measure=lambda *figure: figures.append(figure),
        settings=settings,
        now=lambda: now,
        new_id=new_id or (lambda: f"gw-{next(numbers)}"),
    )
    transport = httpx.ASGITransport(create_app(front), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://gateway", headers={"X-API-Key": shown}
    ) as client:
        yield House(world, stream, ledgers, labels, keys, front, client, figures)
    await front.close()


def visit(scenario: Callable[[House], Awaitable[T]], **options: Any) -> T:
    """Run a scenario in a house of its own; `options` as of `a_house`."""

    async def run() -> T:
        async with a_house(**options) as house:
            return await scenario(house)

    return asyncio.run(run())


def scopes(*names: str) -> dict[str, Any]:
    """The options of a house whose key has these scopes only."""
    return {"key": MADE.kept._replace(scopes=frozenset(names))}


def only(values: Collection[T]) -> T:
    """The one value there is."""
    (value,) = values
    return value
