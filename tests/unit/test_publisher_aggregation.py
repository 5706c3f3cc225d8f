"""The aggregating publisher against the embedded Kinesis: nothing is lost and no order broken, whatever happens to the shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.aggregation import Aggregation
from producers.background import BackgroundPublisher, BackgroundSettings
from producers.batches import BatchLimits
from producers.errors import CredentialsError
from producers.kinesis import Progress, PublisherSettings
from producers.records import OutgoingRecord, PlacedRecord
from schemas.aggregate import split
from tests.unit.publisher_emulator import EmulatedKinesis, refused

STRICT = PublisherSettings(limits=BatchLimits(has_unique_keys=True), aggregation=Aggregation())
LOOSE = PublisherSettings(aggregation=Aggregation())


def some_records(count: int, keys: int = 20) -> list[OutgoingRecord]:
    return [OutgoingRecord(b"event %d" % number, f"user-{number % keys}") for number in range(count)]


def first_deliveries(kinesis: EmulatedKinesis) -> list[OutgoingRecord]:
    return list(dict.fromkeys(kinesis.delivered().values()))


def assert_all_delivered_in_order(kinesis: EmulatedKinesis, records: Sequence[OutgoingRecord]) -> None:
    found = first_deliveries(kinesis)
    assert set(found) == set(records)
    for key in {record.partition_key for record in records}:
        assert [r for r in found if r.partition_key == key] == [r for r in records if r.partition_key == key]


def assert_places_hold(
    kinesis: EmulatedKinesis, places: Sequence[PlacedRecord], records: Sequence[OutgoingRecord]
) -> None:
    delivered = kinesis.delivered()
    assert [delivered.get(place) for place in places] == list(records)


def test_a_shard_gets_one_record_for_many_and_every_place_is_true() -> None:
    kinesis, records = EmulatedKinesis(shards=4), some_records(1_000)

    places = kinesis.publisher(STRICT).publish(records)

    assert [len(request) for request in kinesis.requests] == [4]
    assert kinesis.listings == 1
    assert_places_hold(kinesis, places, records)
    assert_all_delivered_in_order(kinesis, records)


def test_every_aggregate_names_a_hash_key_of_its_own_shard() -> None:
    kinesis = EmulatedKinesis(shards=3)

    kinesis.publisher(LOOSE).publish(some_records(100))

    assert len({int(entry["ExplicitHashKey"]) * 3 >> 128 for entry in kinesis.requests[0]}) == 3
    assert kinesis.delivered() == dict(kinesis.stored())


def test_a_record_alone_in_its_shard_travels_as_it_is() -> None:
    kinesis = EmulatedKinesis(shards=1)

    kinesis.publisher(STRICT).publish([OutgoingRecord(b"one", "u")])

    assert kinesis.requests == [[{"Data": b"one", "PartitionKey": "u"}]]


def test_a_hash_key_that_the_sender_chose_decides_inside_an_aggregate_too() -> None:
    kinesis = EmulatedKinesis(shards=2)
    records = [OutgoingRecord(b"%d" % n, f"user-{n}", hash_key=n % 2 << 127) for n in range(10)]

    places = kinesis.publisher(STRICT).publish(records)

    assert [int(place.shard_id[-1]) for place in places] == [n % 2 for n in range(10)]
    assert_places_hold(kinesis, places, records)


def test_after_a_split_all_of_a_misrouted_aggregate_is_sent_again() -> None:
    kinesis = EmulatedKinesis(shards=1, meanwhile=lambda k, n: k.split("shardId-000000000000") if n == 0 else None)
    seen: list[Progress] = []
    records = some_records(50)

    places = kinesis.publisher(STRICT, seen.append).publish(records)

    assert seen[0] == Progress(requests=1, retried=50, misrouted=50, stored=1)
    assert {place.shard_id[-1] for place in places} == {"1", "2"}
    assert_places_hold(kinesis, places, records)
    assert_all_delivered_in_order(kinesis, records)
    assert len(dict(kinesis.stored())) == 100


def test_after_a_merge_the_aggregates_lie_right_and_are_not_sent_again() -> None:
    kinesis = EmulatedKinesis(
        shards=2, meanwhile=lambda k, n: k.merge("shardId-000000000000", "shardId-000000000001") if n == 0 else None
    )

    kinesis.publisher(STRICT).publish(some_records(50))

    assert (len(kinesis.requests), kinesis.listings) == (1, 2)
    assert len(kinesis.delivered()) == 50


def test_what_cannot_be_looked_up_after_a_split_is_sent_again() -> None:
    def cut_off(kinesis: EmulatedKinesis, number: int) -> None:
        if number == 0:
            kinesis.split("shardId-000000000000")
            listing = kinesis.list_shards

            def once(**_: object) -> object:
                kinesis.list_shards = listing  # type: ignore[method-assign]
                raise refused("LimitExceededException")

            kinesis.list_shards = once  # type: ignore[method-assign]

    kinesis, records = EmulatedKinesis(shards=1, meanwhile=cut_off), some_records(50)

    places = kinesis.publisher(STRICT).publish(records)

    assert_places_hold(kinesis, places, records)


def test_a_publisher_that_may_not_list_shards_says_so() -> None:
    kinesis = EmulatedKinesis()

    def refuse(**_: object) -> object:
        raise refused("AccessDeniedException")

    kinesis.list_shards = refuse  # type: ignore[method-assign]
    with pytest.raises(CredentialsError, match="kinesis:ListShards"):
        kinesis.publisher(STRICT).publish(some_records(2))


def test_shards_beyond_one_page_are_known_too() -> None:
    kinesis = EmulatedKinesis(shards=7)
    listing = kinesis.list_shards
    kinesis.list_shards = lambda **request: listing(MaxResults=3, **request)  # type: ignore[method-assign]

    kinesis.publisher(STRICT).publish(some_records(300, keys=100))

    assert len(kinesis.requests[0]) == 7
    assert len(kinesis.delivered()) == 300


def test_more_shards_than_a_request_takes_records_need_a_second_request() -> None:
    kinesis, records = EmulatedKinesis(shards=8), some_records(400, keys=100)
    limits = BatchLimits(records=3, has_unique_keys=True)

    places = kinesis.publisher(PublisherSettings(limits=limits, aggregation=Aggregation())).publish(records)

    assert max(len(request) for request in kinesis.requests) == 3
    assert kinesis.slept_s == 0
    assert_places_hold(kinesis, places, records)


def test_a_small_record_does_not_overtake_a_large_one_of_its_key_that_had_to_wait() -> None:
    kinesis = EmulatedKinesis(shards=1)
    records = [OutgoingRecord(b"x" * size, "user") for size in (300, 400, 10)]
    aggregation = Aggregation(aggregate_bytes=450)

    kinesis.publisher(PublisherSettings(limits=BatchLimits(has_unique_keys=True), aggregation=aggregation)).publish(
        records
    )

    assert list(kinesis.delivered().values()) == records


def test_what_the_format_adds_counts_against_the_limit_of_a_request() -> None:
    kinesis = EmulatedKinesis(shards=1)
    limits = BatchLimits(request_bytes=700, record_bytes=300)

    kinesis.publisher(PublisherSettings(limits=limits, aggregation=Aggregation())).publish(some_records(200, keys=200))

    assert max(sum(len(entry["Data"]) for entry in request) for request in kinesis.requests) <= 700
    assert len(kinesis.delivered()) == 200


def reshard(random: Random, chance: float) -> Callable[[EmulatedKinesis, int], None]:
    def meanwhile(kinesis: EmulatedKinesis, _: int) -> None:
        still_open = kinesis.open_shards()
        if random.random() >= chance:
            return
        if len(still_open) > 1 and random.random() < 0.4:
            place = random.randrange(len(still_open) - 1)
            kinesis.merge(still_open[place], still_open[place + 1])
        else:
            kinesis.split(random.choice(still_open))

    return meanwhile


@settings(deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 120)), max_size=120),
    st.builds(
        Aggregation,
        aggregate_bytes=st.integers(30, 600),
        user_records=st.integers(1, 30),
        gathered_records=st.integers(1, 150),
    ),
    st.integers(1, 6),
)
def test_whatever_is_split_merged_or_fails_every_record_is_delivered_in_the_order_of_its_key(
    random: Random, shards: int, sizes: list[tuple[int, int]], aggregation: Aggregation, requests: int
) -> None:
    records = [OutgoingRecord(b"%d " % n + b"x" * size, f"user-{key}") for n, (key, size) in enumerate(sizes)]
    failing = {(number, index) for number in range(30) for index in range(6) if random.random() < 0.2}
    kinesis = EmulatedKinesis(shards, reshard(random, 0.3), lambda number, index: (number, index) in failing)
    limits = BatchLimits(records=requests, request_bytes=700, record_bytes=650, has_unique_keys=True)

    places = kinesis.publisher(PublisherSettings(limits=limits, aggregation=aggregation)).publish(records)

    assert_places_hold(kinesis, places, records)
    assert_all_delivered_in_order(kinesis, records)
    for request in kinesis.requests:
        sizes_bytes = [len(entry["Data"]) + len(entry["PartitionKey"].encode()) for entry in request]
        assert 1 <= len(request) <= requests
        assert max(sizes_bytes) <= 650
        assert sum(sizes_bytes) <= 700
        inside = [split(entry["Data"]) or [] for entry in request]
        assert all(len(found) <= aggregation.user_records for found in inside)


def test_records_of_one_key_travel_together_in_the_background_too() -> None:
    kinesis, records = EmulatedKinesis(), some_records(600, keys=1)

    with BackgroundPublisher(kinesis, "s", settings=BackgroundSettings(STRICT, linger_s=3600.0)) as publisher:
        futures = [publisher.submit(record) for record in records]

    assert len(kinesis.requests) == 1
    assert [kinesis.delivered()[future.result(30)] for future in futures] == records
