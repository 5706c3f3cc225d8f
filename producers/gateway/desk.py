"""The desk: takes one event after the other from the requests, and comes back with what became of each in the stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from producers.errors import PublishError
from producers.gateway.batcher import Batcher, Overloaded
from producers.gateway.outcomes import Accepted, Conflicting, Decided, Declined, Outcome, Unavailable
from producers.gateway.reading import Composed, with_identity
from producers.gateway.reservations import USED_BEFORE, ToPublish, judge
from producers.gateway.watcher import Watcher
from producers.keys import partition_key
from producers.records import OutgoingRecord, PlacedRecord
from schemas.decision import Identity
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.errors import SinkError, TransientSinkError
from sinks.front import Pending, Reservation, Standing
from sinks.port import Refusal

_RETRY_AFTER_S = 1.0


class Publishing(Protocol):
    """What the desk needs of `producers.background.BackgroundPublisher`."""

    def submit(self, record: OutgoingRecord, /) -> Future[PlacedRecord]:
        """Hand a record in without blocking; raises PublishError, and so does the future."""
        ...

    def close(self, timeout_s: float = ..., /) -> None:
        """Send what waits, then end."""
        ...


class Desk:
    """Brings events through the stream: reserve, publish, wait for the verdict; all within `deadline_s` of being asked.

    For one event loop. `epoch` is that of the stream published to. It adds no query and no request of its own to those of the three
    that it asks. At most `most_waiting` events wait at a time.
    """

    def __init__(
        self,
        reservations: Batcher[Reservation, Standing],
        publisher: Publishing,
        watcher: Watcher,
        *,
        epoch: StreamEpoch,
        deadline_s: float = 2.0,
        most_waiting: int = 2_000,
    ) -> None:
        self._reservations, self._publisher, self._watcher = reservations, publisher, watcher
        self._epoch, self._deadline_s, self._most_waiting = epoch, deadline_s, most_waiting
        self._waiting = 0

    async def classify(self, request: Composed) -> Outcome:
        """Return what became of one event. `Accepted` only if Kinesis acknowledged it. Raises nothing for infrastructure."""
        if self._waiting >= self._most_waiting:
            return Unavailable(request.transaction.transaction_id, _RETRY_AFTER_S)
        self._waiting += 1
        try:
            return await self._bring_through(request, asyncio.get_running_loop().time() + self._deadline_s)
        finally:
            self._waiting -= 1

    async def classify_all(self, requests: Sequence[Composed]) -> list[Outcome]:
        """Return what became of each, in their order; they are published in that order, too."""
        return await asyncio.gather(*(self.classify(request) for request in requests))

    @property
    def waiting(self) -> int:
        """How many events are under way."""
        return self._waiting

    def oldest_pending_s(self) -> float:
        """For how long (s) events have waited without one being decided; 0 where none waits."""
        return self._watcher.unanswered_s()

    def close(self, timeout_s: float = 10.0) -> None:
        """End the threads, in the order in which events pass; call it when no request is under way."""
        self._reservations.close(timeout_s)
        self._publisher.close(timeout_s)
        self._watcher.close(timeout_s)

    async def _bring_through(self, request: Composed, deadline: float) -> Outcome:
        try:
            async with asyncio.timeout_at(deadline):
                verdict = judge(_asked(request), await self._reserve(request), is_time_given=request.is_time_given)
                if not isinstance(verdict, ToPublish):
                    return verdict
                pending = await self._publish(_at(request, verdict.event_time))
        except (TimeoutError, Overloaded, SinkError, PublishError) as error:
            return Unavailable(request.transaction.transaction_id, _retry_after_s(error))
        content_hash = request.transaction.content_hash
        return await self._wait(pending, content_hash, deadline, is_duplicate=verdict.is_duplicate)

    async def _reserve(self, request: Composed) -> Standing:
        return await asyncio.wrap_future(self._reservations.submit(_asked(request)))

    async def _publish(self, request: Composed) -> Pending:
        event = request.transaction
        record = OutgoingRecord(request.data, partition_key(event.user_id, request.data))
        place = await asyncio.wrap_future(self._publisher.submit(record))
        position = StreamPosition(self._epoch, ShardId(place.shard_id), int(place.sequence_number), place.sub_sequence)
        return Pending(Identity(event.transaction_id, event.event_time), position)

    async def _wait(self, pending: Pending, content_hash: bytes, deadline: float, *, is_duplicate: bool) -> Outcome:
        try:
            async with asyncio.timeout_at(deadline):
                verdict = await asyncio.wrap_future(self._watcher.watch(pending))
        except TimeoutError:
            return Accepted(pending.identity, is_duplicate)
        if isinstance(verdict, Refusal):
            return _refused(verdict)
        if verdict.content_hash != content_hash:
            # Somebody published the same identity with other content straight to the stream, and was first.
            return Conflicting({"transaction_id": USED_BEFORE})
        return Decided(verdict, is_duplicate)


def _at(request: Composed, event_time: datetime) -> Composed:
    return request if request.transaction.event_time == event_time else with_identity(request, event_time)


def _asked(request: Composed) -> Reservation:
    event = request.transaction
    return Reservation(event.transaction_id, event.event_time, event.content_hash)


def _refused(verdict: Refusal) -> Outcome:
    if verdict.reason == "conflicting_resend":
        return Conflicting({"transaction_id": USED_BEFORE})
    details = {error.field or "event": error.message for error in verdict.errors}
    return Declined(details or {"event": f"was refused by the stream: {verdict.reason.replace('_', ' ')}"})


def _retry_after_s(error: Exception) -> float:
    """A sink that knows when to come again says so."""
    known_s = error.retry_after_s if isinstance(error, TransientSinkError) else None
    return _RETRY_AFTER_S if known_s is None else known_s
