"""Part `publisher`: events handed to the publisher until Kinesis has acknowledged all of them, each by itself and in aggregates."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from consumer.bench.errors import BenchRefused
from consumer.bench.interleave import interleaved
from consumer.bench.load import events, recent_period
from consumer.bench.result import Column, Panel, Result, Row, Sample
from consumer.bench.terms import Terms
from infra.local.environment import LocalEnvironment
from producers.aggregation import Aggregation
from producers.background import BackgroundPublisher, BackgroundSettings
from producers.batches import BatchLimits
from producers.kinesis import Progress, Publisher, PublisherSettings
from producers.records import OutgoingRecord

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

SHARDS = 4
_PLAIN = PublisherSettings()
_STRICT = PublisherSettings(limits=BatchLimits(has_unique_keys=True))
_AGGREGATED = replace(_STRICT, aggregation=Aggregation())
_COLUMNS = (
    Column("records/s", "", 0),
    Column("CPU per record", "µs"),
    Column("records in one of Kinesis", "", 1),
    Column("requests", "", 0, is_drawn=False),
)
Publish = Callable[["KinesisClient", str, Sequence[OutgoingRecord]], Progress]


class Plan(NamedTuple):
    """How many records are published a turn, and how often."""

    records: int
    rounds: int


class Turn(NamedTuple):
    """What one turn took, and what the publisher counted."""

    seconds: float
    cpu_s: float
    progress: Progress

    def cells(self) -> tuple[float, ...]:
        """Return the figures in the order of the columns."""
        records, _, requests, *_, stored = self.progress
        return records / self.seconds, 1e6 * self.cpu_s / records, records / stored, float(requests)


def plan_of(terms: Terms) -> Plan:
    """Return the sizes for the scale."""
    return terms.pick(Plan(2_000, 1), Plan(40_000, 3), Plan(100_000, 7))


def measure(terms: Terms) -> Result:
    """Let every way to publish take its turns on a fresh stream of the embedded Kinesis."""
    plan = plan_of(terms)
    terms.say("simulating events")
    made = events(plan.records, terms.seed, *recent_period(datetime.now(UTC)))
    records = [OutgoingRecord(event.data, event.user_id) for event in made]
    with LocalEnvironment(terms.folder / "local", database=False) as environment:
        client, numbers = environment.client("kinesis"), count()
        contestants = {
            name: partial(_turn, client, publish, records, numbers) for name, publish in _contestants().items()
        }
        turns = interleaved(contestants, plan.rounds, terms.seed, terms.say)
    return _result(terms, plan, records, {name: _row(name, each) for name, each in turns.items()})


def _contestants() -> dict[str, Publish]:
    return {
        "each by itself": partial(_publish, settings=_PLAIN),
        "each by itself, keys in strict order": partial(_publish, settings=_STRICT),
        "aggregates, keys in strict order": partial(_publish, settings=_AGGREGATED),
        "background, each by itself": partial(_publish_in_background, settings=_STRICT),
        "background, aggregates": partial(_publish_in_background, settings=_AGGREGATED),
    }


def _publish(
    client: KinesisClient, stream_name: str, records: Sequence[OutgoingRecord], *, settings: PublisherSettings
) -> Progress:
    publisher = Publisher(client, stream_name, settings=settings)
    publisher.publish(records)
    return publisher.progress


def _publish_in_background(
    client: KinesisClient, stream_name: str, records: Sequence[OutgoingRecord], *, settings: PublisherSettings
) -> Progress:
    background = BackgroundSettings(settings, wait_s=60.0)
    with BackgroundPublisher(client, stream_name, settings=background) as publisher:
        for record in records:
            publisher.submit(record)
        publisher.flush()
        return publisher.progress


def _turn(client: KinesisClient, publish: Publish, records: Sequence[OutgoingRecord], numbers: count[int]) -> Turn:
    name = f"publisher-{next(numbers)}"
    client.create_stream(StreamName=name, ShardCount=SHARDS)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    start_s, cpu_s = time.monotonic(), time.process_time()
    progress = publish(client, name, records)
    turn = Turn(time.monotonic() - start_s, time.process_time() - cpu_s, progress)
    client.delete_stream(StreamName=name)
    if progress.records != len(records):
        raise BenchRefused(f"{progress.records} of {len(records)} records were acknowledged", "run it again")
    return turn


def _row(name: str, turns: Sequence[Turn]) -> Row:
    figures = zip(*(turn.cells() for turn in turns), strict=True)
    return Row(name, {column.name: Sample(values) for column, values in zip(_COLUMNS, figures, strict=True)})


def _result(terms: Terms, plan: Plan, records: Sequence[OutgoingRecord], rows: dict[str, Row]) -> Result:
    mean_bytes = sum(len(record.data) for record in records) / len(records)
    sizes = {"records": plan.records, "rounds": plan.rounds, "shards": SHARDS, "bytes a record": round(mean_bytes)}
    bars = tuple((name, _sample(row.cells["CPU per record"])) for name, row in rows.items())
    return Result(
        part="publisher",
        title="Publishing to the embedded Kinesis until everything is acknowledged",
        columns=_COLUMNS,
        rows=tuple(rows.values()),
        settings={**sizes, "seed": terms.seed},
        notes=(
            "One thread and one request at a time; CPU of the publisher's process alone, boto3 included.",
            "The embedded Kinesis shares the machine and takes what comes: a shard of AWS takes 1,000 records or 1 MiB a second.",
        ),
        panel=Panel("CPU to publish a record", "µs", bars),
    )


def _sample(cell: object) -> Sample:
    if not isinstance(cell, Sample):
        raise TypeError(f"a sample was expected, not {cell!r}")
    return cell
