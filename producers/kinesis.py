"""The Kinesis publisher: PutRecords, one request at a time, failed records again until they are in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from producers.aggregation import Aggregation, Parcel
from producers.answers import read_answer, translate
from producers.backoff import Backoff
from producers.batches import BatchLimits, Limits, plan
from producers.errors import EndpointError, NoProgressError
from producers.packing import Aggregating, Packing, Wrapping
from producers.records import OutgoingRecord, Pause, PlacedRecord
from producers.shard_map import ShardLister

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_kinesis.type_defs import (
        PutRecordsInputTypeDef,
        PutRecordsOutputTypeDef,
        PutRecordsRequestEntryTypeDef,
    )

_log = structlog.get_logger(__name__)


class KinesisClient(ShardLister, Protocol):
    """The calls that a publisher needs of boto3's Kinesis client; `list_shards` only where it aggregates."""

    def put_records(self, **request: Unpack[PutRecordsInputTypeDef]) -> PutRecordsOutputTypeDef:
        """Write up to 500 records; some may fail although the request succeeds."""
        ...


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """How requests are cut and how long the publisher tries; `give_up_after_s` counts from the last record that got through.

    None = try for ever. An endpoint that never answered once is given up at once: that is a wrong address, not an outage.
    `aggregation`: put user records of one shard together in KPL's format, so that many share one Kinesis record and its costs.
    """

    limits: BatchLimits = field(default_factory=BatchLimits)
    backoff: Backoff = field(default_factory=Backoff)
    give_up_after_s: float | None = 120.0
    aggregation: Aggregation | None = None

    @property
    def gathered(self) -> Limits:
        """The bounds of a batch that `Publisher.send` takes: a request, or what is distributed to aggregates."""
        if self.aggregation is None:
            return self.limits
        return Limits(
            self.aggregation.gathered_records,
            self.limits.request_bytes,
            self.limits.record_bytes,
            has_unique_keys=False,
        )


class Progress(NamedTuple):
    """What a publisher has done so far: records in the stream, their bytes, requests sent, records that had to be sent again.

    `misrouted`: those of them that lay in an aggregate of a shard that was split. `stored`: Kinesis records, aggregates as one.
    """

    records: int = 0
    size_bytes: int = 0
    requests: int = 0
    retried: int = 0
    misrouted: int = 0
    stored: int = 0


class _Answer(NamedTuple):
    """What became of one request: the user records that are in, those that must be sent again, and the Kinesis records stored."""

    placed: Mapping[int, PlacedRecord]
    failed: int
    cause: str
    misrouted: int = 0
    stored: int = 0


class Publisher:
    """Publishes to one stream, at least once: a request whose answer was lost is sent again, so a record may stand there twice.

    Order: a request is brought to its end, failed records and all, before the next is sent, so no record is overtaken by one of a
    later request. Inside one request Kinesis promises no order, and a record that failed is stored after its later neighbours;
    `BatchLimits(has_unique_keys=True)` makes the order per key strict. Not safe for threads: see `BackgroundPublisher`.

    With `PublisherSettings(aggregation=Aggregation())` only records of one shard share an aggregate. Kinesis names the shard that
    it stored each in; where a split meanwhile leaves keys outside of it, all of the aggregate is sent again: KCL may drop it.
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
        self._packing = _packing(client, stream_name, self.settings)
        self._on_progress, self._clock, self._sleep, self._draw = on_progress, clock, sleep, draw

    def publish(self, records: Iterable[OutgoingRecord | Pause]) -> list[PlacedRecord]:
        """Publish all of `records` and return their places in the order given. Raises PublishError."""
        return list(chain.from_iterable(self.stream(records)))

    def stream(self, records: Iterable[OutgoingRecord | Pause]) -> Iterator[list[PlacedRecord]]:
        """Publish lazily, one request a step, and yield its places; nothing is sent unless this is iterated. Raises PublishError."""
        for batch in plan(records, self.settings.gathered):
            yield self.send(batch)

    def send(
        self, batch: Sequence[OutgoingRecord], on_placed: Callable[[int, PlacedRecord], None] = lambda _, __: None
    ) -> list[PlacedRecord]:
        """Bring a batch to its end and return a place for every record, in order. `batch` must keep `settings.gathered`.

        `on_placed` gets each record's index and place as soon as Kinesis has acknowledged it, also where others then fail. Blocks
        while the stream is throttled or away. Raises PublishError.
        """
        places: dict[int, PlacedRecord] = {}
        waiting, attempt, last_success_s = list(range(len(batch))), 0, self._clock()
        while waiting:
            answer = self._put(batch, waiting)
            places.update(answer.placed)
            for index, place in answer.placed.items():
                on_placed(index, place)
            waiting = [index for index in waiting if index not in answer.placed]
            attempt, last_success_s = (0, self._clock()) if answer.placed else (attempt + 1, last_success_s)
            self._count(batch, answer)
            if answer.failed:
                self._wait(attempt, self._clock() - last_success_s, len(waiting), answer.cause)
        return [places[index] for index in range(len(batch))]

    def _put(self, batch: Sequence[OutgoingRecord], waiting: Sequence[int]) -> _Answer:
        try:
            parcels = self._packing.pack(batch, waiting)
            answer = self._client.put_records(
                StreamName=self._stream_name, Records=[_entry(parcel.record) for parcel in parcels]
            )
        except (ClientError, BotoCoreError) as error:
            self._raise_unless_retried(error)
            return _Answer({}, len(waiting), str(error))
        self._is_reached = True
        return self._read(batch, parcels, *read_answer(answer, range(len(parcels))))

    def _read(
        self, batch: Sequence[OutgoingRecord], parcels: Sequence[Parcel], stored: Mapping[int, PlacedRecord], cause: str
    ) -> _Answer:
        strayed = self._packing.strayed(batch, parcels, stored)
        placed = {
            index: place._replace(sub_sequence=sub)
            for number, place in stored.items()
            if number not in strayed
            for sub, index in enumerate(parcels[number].members)
        }
        failed = sum(len(parcel.members) for parcel in parcels) - len(placed)
        misrouted = sum(len(parcels[number].members) for number in strayed)
        return _Answer(placed, failed, cause or "the shards were split or merged", misrouted, len(stored))

    def _raise_unless_retried(self, error: ClientError | BotoCoreError) -> None:
        if failure := translate(error, self._stream_name):
            raise failure from error
        self._is_reached |= isinstance(error, ClientError)
        if not self._is_reached:
            raise EndpointError(str(error)) from error

    def _count(self, batch: Sequence[OutgoingRecord], answer: _Answer) -> None:
        records, size_bytes, requests, retried, misrouted, stored = self.progress
        self.progress = Progress(
            records + len(answer.placed),
            size_bytes + sum(batch[index].size_bytes for index in answer.placed),
            requests + 1,
            retried + answer.failed,
            misrouted + answer.misrouted,
            stored + answer.stored,
        )
        self._on_progress(self.progress)

    def _wait(self, attempt: int, stalled_s: float, failed: int, cause: str) -> None:
        limit_s = self.settings.give_up_after_s
        if limit_s is not None and stalled_s >= limit_s:
            raise NoProgressError(failed, limit_s, cause)
        delay_s = self.settings.backoff.delay_s(attempt, self._draw())
        _log.info("records_retried", stream=self._stream_name, failed=failed, delay_s=round(delay_s, 3), cause=cause)
        self._sleep(delay_s)


def _packing(client: ShardLister, stream_name: str, settings: PublisherSettings) -> Packing:
    if settings.aggregation is None:
        return Wrapping()
    return Aggregating(client, stream_name, settings.aggregation, settings.limits)


def _entry(record: OutgoingRecord) -> PutRecordsRequestEntryTypeDef:
    if record.hash_key is None:
        return {"Data": record.data, "PartitionKey": record.partition_key}
    return {"Data": record.data, "PartitionKey": record.partition_key, "ExplicitHashKey": str(record.hash_key)}
