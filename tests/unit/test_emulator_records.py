"""Records of the Kinesis emulator: order, iterators, expiry and retention; time is an argument, nothing waits."""

import hashlib

import pytest

from infra.local.kinesis.errors import (
    ExpiredIteratorException,
)
from tests.unit.emulator_api import FIRST, HOUR, NOW, TOP, Api


def test_a_record_goes_to_the_shard_that_owns_the_md5_of_its_key() -> None:
    api = Api(shards=4)
    shards = {shard["ShardId"]: shard["HashKeyRange"] for shard in api("ListShards")["Shards"]}
    for number in range(50):
        key = f"card-{number}"
        keys = shards[api.put(key)["ShardId"]]
        digest = int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
        assert int(keys["StartingHashKey"]) <= digest <= int(keys["EndingHashKey"])


def test_an_explicit_hash_key_beats_the_partition_key() -> None:
    api = Api(shards=2)
    assert api.put(ExplicitHashKey="0")["ShardId"] == FIRST
    assert api.put(ExplicitHashKey=str(TOP))["ShardId"] == "shardId-000000000001"


def test_sequence_numbers_grow_even_when_the_clock_goes_back() -> None:
    api = Api()
    numbers = []
    for step_ms in (0, 0, 5, -60_000, 0):
        api.now_ms += step_ms
        numbers.append(int(api.put()["SequenceNumber"]))
    assert numbers == sorted(set(numbers))
    assert all(len(str(number)) == 56 for number in numbers)


def test_an_iterator_lives_five_minutes() -> None:
    api = Api()
    api.put()
    iterator = api.iterator()
    api.now_ms += 300_000
    assert api.data(iterator) == [b"x"]
    api.now_ms += 1
    with pytest.raises(ExpiredIteratorException):
        api.read(iterator)


def test_records_vanish_when_their_retention_is_over() -> None:
    api = Api()
    api.put(data=b"old")
    api.now_ms += 20 * HOUR
    api.put(data=b"young")
    api.now_ms += 4 * HOUR
    assert api.data(api.iterator()) == [b"old", b"young"]
    api.now_ms += 1
    assert api.data(api.iterator()) == [b"young"]


def test_a_longer_retention_keeps_what_is_still_there() -> None:
    api = Api()
    api.put()
    api("IncreaseStreamRetentionPeriod", RetentionPeriodHours=48)
    api.now_ms += 48 * HOUR
    assert api.data(api.iterator()) == [b"x"]
    api("DecreaseStreamRetentionPeriod", RetentionPeriodHours=24)
    assert api.data(api.iterator()) == []


def test_an_iterator_whose_records_were_trimmed_goes_on_at_the_horizon() -> None:
    api = Api()
    number = api.put(data=b"old")["SequenceNumber"]
    api.now_ms += 25 * HOUR
    api.put(data=b"young")
    assert api.data(api.iterator(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)) == [b"young"]


def test_each_start_of_an_iterator_begins_where_it_says() -> None:
    api = Api()
    numbers = []
    for data in (b"a", b"b", b"c"):
        numbers.append(api.put(data=data)["SequenceNumber"])
        api.now_ms += 1000
    latest = api.iterator(kind="LATEST")
    assert api.data(api.iterator(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])) == [b"b", b"c"]
    assert api.data(api.iterator(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])) == [b"c"]
    assert api.data(api.iterator(kind="AT_TIMESTAMP", Timestamp=(NOW + 1000) / 1000)) == [b"b", b"c"]
    assert api.data(api.iterator(kind="AT_TIMESTAMP", Timestamp=(NOW + 1001) / 1000)) == [b"c"]
    api.put(data=b"d")
    assert api.data(latest) == [b"d"]


def test_millis_behind_latest_is_the_age_of_the_next_unread_record() -> None:
    api = Api()
    for _ in range(3):
        api.put()
        api.now_ms += 1000
    first = api.read(api.iterator(), Limit=1)
    rest = api.read(first["NextShardIterator"])
    assert (first["MillisBehindLatest"], rest["MillisBehindLatest"]) == (2000, 0)


def test_get_records_gives_ten_mebibytes_at_most_but_always_one_record() -> None:
    api = Api()
    for _ in range(12):
        api.put(data=bytes((1 << 20) - 1))
    answer = api.read(api.iterator())
    assert len(answer["Records"]) == 10
    assert len(api.data(answer["NextShardIterator"])) == 2


def test_get_records_gives_ten_thousand_records_at_most() -> None:
    api = Api()
    for _ in range(21):
        api("PutRecords", Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)
    assert len(api.read(api.iterator())["Records"]) == 10_000
