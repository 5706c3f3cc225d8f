"""The background publisher with its real thread, before the embedded Kinesis without a wire; events, not clocks, say when things happen."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import CancelledError, Future
from concurrent.futures import wait as wait_for
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.chaos.waiting import wait_until
from producers.aggregation import Aggregation
from producers.background import BackgroundPublisher, BackgroundSettings
from producers.backoff import Backoff
from producers.batches import BatchLimits
from producers.errors import (
    BackPressureError,
    CredentialsError,
    NoProgressError,
    PublisherClosedError,
    PublishError,
    RecordTooLargeError,
)
from producers.kinesis import Progress, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from tests.unit.publisher_emulator import EmulatedKinesis, refused

PATIENCE_S = 30.0
STRICT = BatchLimits(has_unique_keys=True)
QUICK = Backoff(base_s=0.001, cap_s=0.002)


class Gate:
    """Holds requests back: each waits, once it has begun, until it is let through."""

    def __init__(self) -> None:
        self._begun, self._let = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, *_: object) -> None:
        self._begun.release()
        assert self._let.acquire(timeout=PATIENCE_S)

    def wait_begun(self) -> None:
        assert self._begun.acquire(timeout=PATIENCE_S)

    def let(self, number: int = 1) -> None:
        self._let.release(number)


def some_records(count: int, keys: int = 7) -> list[OutgoingRecord]:
    return [OutgoingRecord(b"event %d" % number, f"user-{number % keys}") for number in range(count)]


def a_publisher(kinesis: Any, *, on_progress: Any = lambda _: None, **options: Any) -> BackgroundPublisher:
    return BackgroundPublisher(kinesis, "s", settings=BackgroundSettings(**options), on_progress=on_progress)


def places_of(futures: list[Future[PlacedRecord]]) -> list[PlacedRecord]:
    return [future.result(PATIENCE_S) for future in futures]


@pytest.mark.parametrize("aggregation", [None, Aggregation()])
def test_every_future_gets_the_place_of_its_record(aggregation: Aggregation | None) -> None:
    kinesis, records = EmulatedKinesis(), some_records(300)

    with a_publisher(kinesis, publishing=PublisherSettings(limits=STRICT, aggregation=aggregation)) as publisher:
        places = places_of([publisher.submit(record) for record in records])

    delivered = kinesis.delivered()
    assert [delivered[place] for place in places] == records
    assert (publisher.progress.records, publisher.waiting) == (300, 0)


def test_what_comes_while_a_request_is_under_way_travels_together_in_the_next() -> None:
    gate = Gate()
    kinesis = EmulatedKinesis(meanwhile=gate)
    records = some_records(50, keys=50)

    with a_publisher(kinesis, linger_s=0.0) as publisher:
        publisher.submit(records[0])
        gate.wait_begun()
        for record in records[1:]:
            publisher.submit(record)
        gate.let(2)

    assert [len(request) for request in kinesis.requests] == [1, 49]


def test_records_linger_for_company_until_the_request_is_full() -> None:
    kinesis = EmulatedKinesis()
    limits = BatchLimits(records=10)

    with a_publisher(kinesis, linger_s=3600.0, publishing=PublisherSettings(limits=limits)) as publisher:
        futures = [publisher.submit(record) for record in some_records(10)]
        places_of(futures)
        assert [len(request) for request in kinesis.requests] == [10]


def test_a_flush_sends_at_once_what_lingers() -> None:
    with a_publisher(EmulatedKinesis(), linger_s=3600.0) as publisher:
        future = publisher.submit(OutgoingRecord(b"x", "k"))

        assert publisher.flush(PATIENCE_S)
        assert future.done()
        assert publisher.flush(0)


def test_a_flush_that_takes_too_long_says_so() -> None:
    gate = Gate()
    with a_publisher(EmulatedKinesis(meanwhile=gate)) as publisher:
        publisher.submit(OutgoingRecord(b"x", "k"))

        assert not publisher.flush(0.01)
        gate.let()


def test_a_key_has_one_record_a_request_and_others_pass_the_second() -> None:
    gate = Gate()
    kinesis = EmulatedKinesis(shards=1, meanwhile=gate)
    first, *rest = [OutgoingRecord(b"%d" % n, key) for n, key in enumerate(["x", "a", "a", "b", "a", "b", "c"])]

    with a_publisher(kinesis) as publisher:
        publisher.submit(first)
        gate.wait_begun()
        for record in rest:
            publisher.submit(record)
        gate.let(4)

    assert [[entry["Data"] for entry in request] for request in kinesis.requests] == [
        [b"0"],
        [b"1", b"3", b"6"],
        [b"2", b"5"],
        [b"4"],
    ]


def test_more_than_may_wait_is_refused_and_there_is_room_again_afterwards() -> None:
    gate = Gate()
    with a_publisher(EmulatedKinesis(meanwhile=gate), most_waiting=3, linger_s=0.0) as publisher:
        futures = [publisher.submit(record) for record in some_records(3)]
        with pytest.raises(BackPressureError, match="3 records wait"):
            publisher.submit(OutgoingRecord(b"x", "k"))
        gate.let(100)
        places_of(futures)
        wait_until(lambda: not publisher.waiting, "room", PATIENCE_S)

        places_of([publisher.submit(OutgoingRecord(b"x", "k"))])


def test_a_caller_who_may_wait_gets_room_when_a_request_is_done() -> None:
    gate = Gate()
    with a_publisher(EmulatedKinesis(meanwhile=gate), most_waiting=1, wait_s=PATIENCE_S) as publisher:
        publisher.submit(OutgoingRecord(b"1", "k"))
        gate.wait_begun()
        threading.Timer(0.01, gate.let, (2,)).start()

        places_of([publisher.submit(OutgoingRecord(b"2", "k"))])


def test_a_record_that_nobody_waits_for_any_more_is_not_sent() -> None:
    gate = Gate()
    kinesis = EmulatedKinesis(meanwhile=gate)
    with a_publisher(kinesis, linger_s=0.0) as publisher:
        under_way = publisher.submit(OutgoingRecord(b"0", "k"))
        gate.wait_begun()
        dropped, kept = (publisher.submit(OutgoingRecord(data, "k")) for data in (b"1", b"2"))
        assert dropped.cancel()
        assert not under_way.cancel()
        gate.let(2)

    assert [place_record.data for place_record in kinesis.delivered().values()] == [b"0", b"2"]
    assert kept.done()
    with pytest.raises(CancelledError):
        dropped.result(0)


def test_an_error_goes_to_those_who_wait_and_the_next_records_are_tried_again() -> None:
    kinesis = EmulatedKinesis()
    put = kinesis.put_records

    def refuse_first(**_: Any) -> Any:
        kinesis.put_records = put  # type: ignore[method-assign]
        raise refused("AccessDeniedException")

    kinesis.put_records = refuse_first  # type: ignore[method-assign]
    with a_publisher(kinesis) as publisher:
        with pytest.raises(CredentialsError):
            publisher.submit(OutgoingRecord(b"1", "k")).result(PATIENCE_S)

        places_of([publisher.submit(OutgoingRecord(b"2", "k"))])


def test_a_record_that_is_in_is_known_although_another_of_its_request_never_gets_through() -> None:
    kinesis = EmulatedKinesis(shards=1, fails=lambda number, index: number > 0 or index == 1)
    publishing = PublisherSettings(limits=BatchLimits(records=2), backoff=QUICK, give_up_after_s=0.0)
    with a_publisher(kinesis, linger_s=3600.0, publishing=publishing) as publisher:
        placed, failed = [publisher.submit(record) for record in some_records(2)]

        assert placed.result(PATIENCE_S).shard_id == "shardId-000000000000"
        with pytest.raises(NoProgressError):
            failed.result(PATIENCE_S)


def test_a_defect_of_ours_does_not_end_the_thread() -> None:
    def raise_once(progress: Progress) -> None:
        if progress.requests == 1:
            raise ArithmeticError

    with a_publisher(EmulatedKinesis(), on_progress=raise_once) as publisher:
        first = publisher.submit(OutgoingRecord(b"1", "k"))
        wait_for([first], PATIENCE_S)

        places_of([publisher.submit(OutgoingRecord(b"2", "k"))])


def test_closing_sends_what_waits_and_takes_nothing_more() -> None:
    kinesis = EmulatedKinesis()
    publisher = a_publisher(kinesis, linger_s=3600.0)
    futures = [publisher.submit(record) for record in some_records(100)]

    publisher.close(PATIENCE_S)
    publisher.close(PATIENCE_S)

    assert (len(kinesis.delivered()), all(future.done() for future in futures)) == (100, True)
    with pytest.raises(PublisherClosedError):
        publisher.submit(OutgoingRecord(b"x", "k"))


def test_closing_gives_up_what_the_stream_does_not_take_in_time() -> None:
    threads, publishing = threading.active_count(), PublisherSettings(give_up_after_s=None)
    publisher = a_publisher(EmulatedKinesis(fails=lambda *_: True), publishing=publishing)
    futures = [publisher.submit(record) for record in some_records(10)]

    publisher.close(0.02)

    for future in futures:
        with pytest.raises(PublisherClosedError):
            future.result(PATIENCE_S)
    wait_until(lambda: threading.active_count() <= threads, "the end of the thread", PATIENCE_S)


def test_a_caller_who_waits_for_room_is_told_when_the_publisher_closes() -> None:
    gate = Gate()
    publisher = a_publisher(EmulatedKinesis(meanwhile=gate), most_waiting=1, wait_s=PATIENCE_S)
    publisher.submit(OutgoingRecord(b"1", "k"))
    gate.wait_begun()
    told: deque[Exception] = deque()

    def wait_for_room() -> None:
        try:
            publisher.submit(OutgoingRecord(b"2", "k"))
        except PublishError as error:
            told.append(error)

    waiter = threading.Thread(target=wait_for_room)
    waiter.start()
    publisher.close(0.0)
    waiter.join(PATIENCE_S)
    gate.let()

    assert [type(error) for error in told] == [PublisherClosedError]


@pytest.mark.parametrize("key", ["", "k" * 257, "\ud800"])
def test_a_key_that_kinesis_does_not_take_never_reaches_the_neighbours(key: str) -> None:
    with a_publisher(EmulatedKinesis()) as publisher, pytest.raises(ValueError, match=r"partition key|surrogates"):
        publisher.submit(OutgoingRecord(b"x", key))


def test_a_record_that_is_too_large_is_refused_at_once() -> None:
    with a_publisher(EmulatedKinesis()) as publisher, pytest.raises(RecordTooLargeError):
        publisher.submit(OutgoingRecord(b"x" * (1 << 20), "k"))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 5), max_size=60),
    st.integers(1, 4),
    st.sets(st.tuples(st.integers(0, 10), st.integers(0, 5))),
    st.sampled_from([None, Aggregation(user_records=3)]),
)
def test_the_order_of_each_key_holds_whatever_fails(
    keys: list[int], most: int, failing: set[tuple[int, int]], aggregation: Aggregation | None
) -> None:
    kinesis = EmulatedKinesis(shards=2, fails=lambda number, index: (number, index) in failing)
    records = [OutgoingRecord(b"%d" % number, f"user-{key}") for number, key in enumerate(keys)]
    limits = BatchLimits(records=most, has_unique_keys=True)
    publishing = PublisherSettings(limits=limits, backoff=QUICK, aggregation=aggregation)

    with a_publisher(kinesis, linger_s=0.0, publishing=publishing) as publisher:
        for record in records:
            publisher.submit(record)

    found = list(kinesis.delivered().values())
    for key in {record.partition_key for record in records}:
        assert [r for r in found if r.partition_key == key] == [r for r in records if r.partition_key == key]
