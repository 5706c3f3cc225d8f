"""The publisher for those who cannot wait: any thread hands in a record and gets a future; one thread sends, a request at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog

from producers.batches import BatchLimits
from producers.errors import PublisherClosedError, RecordTooLargeError
from producers.keys import MAX_PARTITION_KEY_CHARACTERS
from producers.kinesis import KinesisClient, Progress, Publisher, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from producers.waiting_room import Waiting, WaitingRoom

_END_S = 1.0
"""What the thread needs to end once nothing is left; one that hangs in a request is not waited for."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BackgroundSettings:
    """How records are gathered: a request leaves when it is full, or when its first record has waited for `linger_s`.

    `most_waiting`: records that may wait or be under way; beyond it `submit` waits for `wait_s` and then refuses. The default of 0
    suits an event loop, which must not wait; a thread that produces faster than the stream takes sets more. The order per key is
    strict unless `publishing` says otherwise.
    """

    publishing: PublisherSettings = field(
        default_factory=lambda: PublisherSettings(limits=BatchLimits(has_unique_keys=True))
    )
    linger_s: float = 0.005
    most_waiting: int = 10_000
    wait_s: float = 0.0


class BackgroundPublisher:
    """Publishes to one stream, at least once, safe for threads; make it after a fork, not before.

    Order: records of one key are stored in the order in which they were handed in, one request at a time. Where keys are unique in
    a request (`BatchLimits(has_unique_keys=True)`, the default here), a key's second record waits for the next one, and others pass it.
    A record whose future was cancelled before its request began is not sent.
    """

    def __init__(
        self,
        client: KinesisClient,
        stream_name: str,
        *,
        settings: BackgroundSettings | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """`on_progress` is called in the sending thread after every request, with what was done so far."""
        self.settings = settings or BackgroundSettings()
        publishing = self.settings.publishing
        self._abandoned = threading.Event()
        self._publisher = Publisher(
            client, stream_name, settings=publishing, on_progress=on_progress, sleep=self._sleep
        )
        self._room = WaitingRoom(publishing.gathered, linger_s=self.settings.linger_s, most=self.settings.most_waiting)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        """What was done so far."""
        return self._publisher.progress

    @property
    def waiting(self) -> int:
        """How many records wait or are under way."""
        return len(self._room)

    def submit(self, record: OutgoingRecord) -> Future[PlacedRecord]:
        """Hand in a record; the future has its place once Kinesis acknowledged it, or the PublishError of its request.

        A future with an error says nothing about the record: it may be in the stream. Raises BackPressureError where
        `most_waiting` records wait and none was done within `wait_s`, RecordTooLargeError, PublisherClosedError, and ValueError
        for a key that Kinesis does not take. Returns at once unless there is no room.
        """
        _check(record, self.settings.publishing.limits.record_bytes)
        return self._room.put(record, self.settings.wait_s)

    def flush(self, timeout_s: float | None = None) -> bool:
        """Send what waits now without lingering; return whether all of it came to its end, good or bad, within `timeout_s`."""
        return _all_done(self._room.hurry(), timeout_s)

    def close(self, timeout_s: float = 10.0) -> None:
        """Take no more, send what waits, for at most `timeout_s`; what is left then gets PublisherClosedError. May be called twice."""
        left = self._room.close()
        is_done = _all_done(left, timeout_s)
        self._abandoned.set()
        self._room.clear()
        for waiting in left:
            _fail(waiting.future, PublisherClosedError())
        self._thread.join(_END_S if is_done else 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while (batch := self._room.take()) is not None:
            self._send(batch)
            self._room.finish()

    def _send(self, batch: list[Waiting]) -> None:
        futures = [waiting.future for waiting in batch]
        try:
            self._publisher.send(
                [waiting.record for waiting in batch],
                on_placed=lambda index, place: _succeed(futures[index], place),
            )
        except Exception as error:  # noqa: BLE001 - whoever waits gets it; the thread must outlive it
            _log.warning("publishing_failed", records=len(batch), cause=type(error).__name__)
            for future in futures:
                _fail(future, error)

    def _sleep(self, seconds: float) -> None:
        if self._abandoned.wait(seconds):
            raise PublisherClosedError


def _check(record: OutgoingRecord, limit_bytes: int) -> None:
    if not 0 < len(record.partition_key) <= MAX_PARTITION_KEY_CHARACTERS:
        raise ValueError(
            f"a partition key has 1 to {MAX_PARTITION_KEY_CHARACTERS} characters, not {len(record.partition_key)}"
        )
    if record.size_bytes > limit_bytes:
        raise RecordTooLargeError(record.size_bytes, limit_bytes)


def _all_done(waiting: list[Waiting], timeout_s: float | None) -> bool:
    return not wait_for([one.future for one in waiting], timeout_s).not_done


def _succeed(future: Future[PlacedRecord], place: PlacedRecord) -> None:
    if not future.done():
        _settle(lambda: future.set_result(place))


def _fail(future: Future[PlacedRecord], error: BaseException) -> None:
    if not future.done():
        _settle(lambda: future.set_exception(error))


def _settle(settle: Callable[[], None]) -> None:
    try:
        settle()
    except InvalidStateError:  # another thread was faster: closing, or a caller who cancelled
        return
