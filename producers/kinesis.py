"""The Kinesis publisher: PutRecords, one request at a time, failed records again until they are in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from producers.answers import read_answer, translate
from producers.backoff import Backoff
from producers.batches import BatchLimits, plan
from producers.errors import EndpointError, NoProgressError
from producers.records import OutgoingRecord, Pause, PlacedRecord

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_kinesis.type_defs import PutRecordsInputTypeDef, PutRecordsOutputTypeDef

_log = structlog.get_logger(__name__)


class KinesisClient(Protocol):
    """The one call that a publisher needs of boto3's Kinesis client."""

    def put_records(self, **request: Unpack[PutRecordsInputTypeDef]) -> PutRecordsOutputTypeDef:
        """Write up to 500 records; some may fail although the request succeeds."""
        ...


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """How requests are cut and how long the publisher tries; `give_up_after_s` counts from the last record that got through.

    None = try for ever. An endpoint that never answered once is given up at once: that is a wrong address, not an outage.
    """

    limits: BatchLimits = field(default_factory=BatchLimits)
    backoff: Backoff = field(default_factory=Backoff)
    give_up_after_s: float | None = 120.0


class Progress(NamedTuple):
    """What a publisher has done so far: records in the stream, their bytes, requests sent, records that had to be sent again."""

    records: int = 0
    size_bytes: int = 0
    requests: int = 0
    retried: int = 0


class Publisher:
    """Publishes to one stream, at least once: a request whose answer was lost is sent again, so a record may stand there twice.

    Order: a request is brought to its end, failed records and all, before the next is sent, so no record is overtaken by one of a
    later request. Inside one request Kinesis promises no order, and a record that failed is stored after its later neighbours;
    `BatchLimits(has_unique_keys=True)` makes the order per key strict. Not safe for threads.
    """

    def __init__(
        self,
        client: KinesisClient,
        stream_name: str,
        *,
        settings: PublisherSettings | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings or PublisherSettings()
        self.progress = Progress()
        self._client, self._stream_name, self._is_reached = client, stream_name, False
        self._on_progress, self._clock, self._sleep, self._draw = on_progress, clock, sleep, draw

    def publish(self, records: Iterable[OutgoingRecord | Pause]) -> list[PlacedRecord]:
        """Publish all of `records` and return their places in the order given. Raises PublishError."""
        return list(chain.from_iterable(self.stream(records)))

    def stream(self, records: Iterable[OutgoingRecord | Pause]) -> Iterator[list[PlacedRecord]]:
        """Publish lazily, one request a step, and yield its places; nothing is sent unless this is iterated. Raises PublishError."""
        for batch in plan(records, self.settings.limits):
            yield self.send(batch)

    def send(self, batch: Sequence[OutgoingRecord]) -> list[PlacedRecord]:
        """Bring one request to its end and return a place for every record, in order. `batch` must keep the limits.

        Blocks while the stream is throttled or away. Raises PublishError.
        """
        places: dict[int, PlacedRecord] = {}
        waiting, attempt, last_success_s = list(range(len(batch))), 0, self._clock()
        while waiting:
            placed, cause = self._put(batch, waiting)
            places.update(placed)
            waiting = [index for index in waiting if index not in placed]
            attempt, last_success_s = (0, self._clock()) if placed else (attempt + 1, last_success_s)
            self._count(batch, placed, len(waiting))
            if waiting:
                self._wait(attempt, self._clock() - last_success_s, len(waiting), cause)
        return [places[index] for index in range(len(batch))]

    def _put(self, batch: Sequence[OutgoingRecord], waiting: Sequence[int]) -> tuple[dict[int, PlacedRecord], str]:
        records = [batch[index] for index in waiting]
        try:
            answer = self._client.put_records(
                StreamName=self._stream_name,
                Records=[{"Data": r.data, "PartitionKey": r.partition_key} for r in records],
            )
        except (ClientError, BotoCoreError) as error:
            self._raise_unless_retried(error)
            return {}, str(error)
        self._is_reached = True
        return read_answer(answer, waiting)

    def _raise_unless_retried(self, error: ClientError | BotoCoreError) -> None:
        if failure := translate(error, self._stream_name):
            raise failure from error
        self._is_reached |= isinstance(error, ClientError)
        if not self._is_reached:
            raise EndpointError(str(error)) from error

    def _count(self, batch: Sequence[OutgoingRecord], placed: Iterable[int], failed: int) -> None:
        done = [batch[index].size_bytes for index in placed]
        records, size_bytes, requests, retried = self.progress
        self.progress = Progress(records + len(done), size_bytes + sum(done), requests + 1, retried + failed)
        self._on_progress(self.progress)

    def _wait(self, attempt: int, stalled_s: float, failed: int, cause: str) -> None:
        limit_s = self.settings.give_up_after_s
        if limit_s is not None and stalled_s >= limit_s:
            raise NoProgressError(failed, limit_s, cause)
        delay_s = self.settings.backoff.delay_s(attempt, self._draw())
        _log.info("records_retried", stream=self._stream_name, failed=failed, delay_s=round(delay_s, 3), cause=cause)
        self._sleep(delay_s)
