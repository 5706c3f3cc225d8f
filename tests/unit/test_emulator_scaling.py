"""UpdateShardCount of the Kinesis emulator: the result is even, and every shard descends from others as by hand."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.kinesis.errors import LimitExceededException, ResourceNotFoundException
from tests.unit.emulator_api import TOP, Api


def scale(api: Api, target: int) -> Any:
    return api("UpdateShardCount", TargetShardCount=target, ScalingType="UNIFORM_SCALING")


def open_ranges(api: Api) -> list[tuple[int, int]]:
    shards = api("ListShards", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    keys = (shard["HashKeyRange"] for shard in shards)
    return sorted((int(each["StartingHashKey"]), int(each["EndingHashKey"])) for each in keys)


def assert_even(api: Api, count: int) -> None:
    ranges = open_ranges(api)
    assert (len(ranges), ranges[0][0], ranges[-1][1]) == (count, 0, TOP)
    assert all(lower[1] + 1 == upper[0] for lower, upper in itertools.pairwise(ranges))
    sizes = [last - first for first, last in ranges]
    assert max(sizes) - min(sizes) < 2**66


def assert_descent(api: Api) -> None:
    """Each child covers keys of its parents only, begins after their ends, and is found at their ends."""
    shards = {shard["ShardId"]: shard for shard in api("ListShards")["Shards"]}
    for shard in shards.values():
        names = ("ParentShardId", "AdjacentParentShardId")
        for parent in (shards[shard[name]] for name in names if name in shard):
            own, theirs = shard["SequenceNumberRange"], parent["SequenceNumberRange"]
            assert int(own["StartingSequenceNumber"]) > int(theirs["EndingSequenceNumber"])
            children = api.read(api.iterator(parent["ShardId"]))["ChildShards"]
            assert shard["ShardId"] in {child["ShardId"] for child in children}


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 2), (2, 4), (4, 2), (2, 1), (3, 6), (6, 3), (4, 5), (5, 4), (2, 3), (3, 2), (7, 14), (4, 4)],
)
def test_the_shards_are_even_and_descend_from_what_was_there(before: int, after: int) -> None:
    api = Api(shards=before)
    answer = scale(api, after)
    arn = api("DescribeStreamSummary")["StreamDescriptionSummary"]["StreamARN"]
    assert answer == {"StreamName": "s", "StreamARN": arn, "CurrentShardCount": before, "TargetShardCount": after}
    assert_even(api, after)
    assert_descent(api)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.lists(st.floats(0.5, 2), max_size=5), st.integers(100, TOP - 100))
def test_any_scaling_of_any_stream_ends_even(before: int, factors: list[float], hash_key: int) -> None:
    api = Api(shards=before)
    owner = next(number for number, (_, last) in enumerate(open_ranges(api)) if hash_key <= last)
    first, last = open_ranges(api)[owner]
    count = before
    if first + 1 < hash_key < last:
        api("SplitShard", ShardToSplit=f"shardId-{owner:012d}", NewStartingHashKey=str(hash_key))
        count += 1
    for factor in [*factors, 1.0]:
        count = min(max(-(-count // 2), round(count * factor)), 2 * count)
        scale(api, count)
        assert_even(api, count)
    assert_descent(api)


def test_doubling_splits_and_halving_merges_and_nothing_else() -> None:
    api = Api(shards=2)
    scale(api, 4)
    assert api.shard_ids() == ["0", "1", "2", "3", "4", "5"]
    scale(api, 2)
    merged = api("ListShards", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    parents = [(shard["ParentShardId"][-1], shard["AdjacentParentShardId"][-1]) for shard in merged]
    assert parents == [("2", "3"), ("4", "5")]


def test_a_border_that_moves_leaves_short_lived_shards_closed_and_empty() -> None:
    api = Api(shards=2)
    scale(api, 3)
    assert api.shard_ids() == ["0", "1", "2", "3", "4", "5", "6"]
    assert api.shard_ids("AT_LATEST") == ["2", "5", "6"]
    for short_lived in ("shardId-000000000003", "shardId-000000000004"):
        end = api.read(api.iterator(short_lived))
        assert (end["Records"], [child["ShardId"][-1] for child in end["ChildShards"]]) == ([], ["6"])


def test_what_was_put_before_stays_with_the_parents_and_what_comes_goes_to_the_children() -> None:
    api = Api(shards=1)
    api.put(data=b"old")
    scale(api, 2)
    assert api.data(api.iterator()) == [b"old"]
    assert api.put(ExplicitHashKey="0")["ShardId"] == "shardId-000000000001"
    assert api.put(ExplicitHashKey=str(TOP))["ShardId"] == "shardId-000000000002"


@pytest.mark.parametrize(("before", "after"), [(1, 3), (2, 5), (5, 2), (4, 1)])
def test_more_than_double_and_less_than_half_are_refused(before: int, after: int) -> None:
    api = Api(shards=before)
    with pytest.raises(LimitExceededException, match=f"count: {before} Target shard count: {after}"):
        scale(api, after)
    assert len(api.shard_ids()) == before


def test_an_absent_stream_cannot_be_scaled() -> None:
    with pytest.raises(ResourceNotFoundException):
        Api()("UpdateShardCount", StreamName="absent", TargetShardCount=1, ScalingType="UNIFORM_SCALING")
