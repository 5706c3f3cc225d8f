"""Streams and shards of the Kinesis emulator: splitting, merging, listing, filters."""

import itertools

import pytest

from infra.local.kinesis.errors import (
    ExpiredNextTokenException,
    InvalidArgumentException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from infra.local.kinesis.operations import perform
from tests.unit.emulator_api import FIRST, HOUR, NOW, TOP, Api


def test_shards_of_a_new_stream_cover_all_hash_keys_without_gap() -> None:
    shards = Api(shards=3)("ListShards")["Shards"]
    ranges = [tuple(map(int, shard["HashKeyRange"].values())) for shard in shards]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == TOP
    assert all(lower[1] + 1 == upper[0] for lower, upper in itertools.pairwise(ranges))


def test_a_closed_shard_is_no_longer_listed_when_its_retention_is_over() -> None:
    api = Api()
    api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey="100")
    api.now_ms += 24 * HOUR
    assert api.shard_ids() == ["0", "1", "2"]
    api.now_ms += 1
    assert api.shard_ids() == ["1", "2"]


def test_the_end_of_a_split_shard_names_its_children() -> None:
    api = Api()
    api.put(data=b"last")
    api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    answer = api.read(api.iterator())
    assert [record["Data"] for record in answer["Records"]] == [b"last"]
    assert "NextShardIterator" not in answer
    assert [child["ParentShards"] for child in answer["ChildShards"]] == [[FIRST], [FIRST]]
    assert [child["HashKeyRange"]["StartingHashKey"] for child in answer["ChildShards"]] == ["0", str(2**127)]


def test_an_unread_closed_shard_still_gives_an_iterator() -> None:
    api = Api()
    api.put()
    api.put()
    api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey="100")
    answer = api.read(api.iterator(), Limit=1)
    assert "ChildShards" not in answer
    assert "ChildShards" in api.read(answer["NextShardIterator"])


def test_a_merge_makes_one_child_of_two_neighbours() -> None:
    api = Api(shards=2)
    api("MergeShards", ShardToMerge="shardId-000000000001", AdjacentShardToMerge=FIRST)
    child = api("ListShards")["Shards"][2]
    assert (child["ParentShardId"], child["AdjacentParentShardId"]) == ("shardId-000000000001", FIRST)
    assert child["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(TOP)}
    assert api.put()["ShardId"] == "shardId-000000000002"


def test_only_open_neighbours_can_merge() -> None:
    api = Api(shards=3)
    with pytest.raises(InvalidArgumentException):
        api("MergeShards", ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000002")
    api("MergeShards", ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000001")
    with pytest.raises(ResourceInUseException):
        api("MergeShards", ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000001")


def test_shard_filters_show_the_shards_of_their_time() -> None:
    api = Api(shards=2)
    api.now_ms += HOUR
    api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey="100")
    api.now_ms += HOUR
    before, after = (NOW + HOUR - 1) / 1000, (NOW + HOUR + 1) / 1000
    assert api.shard_ids() == ["0", "1", "2", "3"]
    assert api.shard_ids("FROM_TRIM_HORIZON") == ["0", "1", "2", "3"]
    assert api.shard_ids("AT_TRIM_HORIZON") == ["0", "1"]
    assert api.shard_ids("AT_LATEST") == ["1", "2", "3"]
    assert api.shard_ids("AT_TIMESTAMP", Timestamp=before) == ["0", "1"]
    assert api.shard_ids("AT_TIMESTAMP", Timestamp=after) == ["1", "2", "3"]
    assert api.shard_ids("FROM_TIMESTAMP", Timestamp=before) == ["0", "1", "2", "3"]
    assert api.shard_ids("FROM_TIMESTAMP", Timestamp=after) == ["1", "2", "3"]
    assert api.shard_ids("AT_TIMESTAMP", Timestamp=0) == ["0", "1"]
    assert api.shard_ids("AFTER_SHARD_ID", ShardId="shardId-000000000001") == ["2", "3"]


def test_pages_of_shards_keep_the_filter_of_the_first() -> None:
    api = Api(shards=5)
    api("SplitShard", ShardToSplit=FIRST, NewStartingHashKey="100")
    page = api("ListShards", MaxResults=4, ShardFilter={"Type": "AT_LATEST"})
    last = perform(api.region, "ListShards", {"NextToken": page["NextToken"]}, api.now_ms)
    assert [shard["ShardId"][-1] for shard in page["Shards"] + last["Shards"]] == ["1", "2", "3", "4", "5", "6"]
    assert "NextToken" not in last
    with pytest.raises(InvalidArgumentException):
        api("ListShards", NextToken=page["NextToken"])
    with pytest.raises(ExpiredNextTokenException):
        perform(api.region, "ListShards", {"NextToken": page["NextToken"]}, api.now_ms + 300_001)


def test_tokens_of_a_deleted_stream_do_not_read_its_namesake() -> None:
    api = Api()
    iterator = api.iterator()
    api("DeleteStream")
    api.now_ms += 1
    api("CreateStream", ShardCount=1)
    with pytest.raises(ResourceNotFoundException):
        api.read(iterator)


def test_a_stream_is_found_by_arn_too() -> None:
    api = Api()
    arn = api("DescribeStreamSummary")["StreamDescriptionSummary"]["StreamARN"]
    assert perform(api.region, "ListShards", {"StreamARN": arn}, NOW)["Shards"]
    with pytest.raises(InvalidArgumentException):
        perform(api.region, "ListShards", {}, NOW)


def test_streams_are_listed_by_name_in_pages() -> None:
    api = Api()
    for name in ("b", "a", "c"):
        api("CreateStream", StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    page = api("ListStreams", Limit=3)
    assert (page["StreamNames"], page["HasMoreStreams"]) == (["a", "b", "c"], True)
    assert api("ListStreams", NextToken=page["NextToken"])["StreamNames"] == ["s"]
    assert api("DescribeStreamSummary", StreamName="a")["StreamDescriptionSummary"]["OpenShardCount"] == 4


def test_describe_stream_pages_through_its_shards() -> None:
    api = Api(shards=3)
    page = api("DescribeStream", Limit=2)["StreamDescription"]
    rest = api("DescribeStream", ExclusiveStartShardId=page["Shards"][-1]["ShardId"])["StreamDescription"]
    assert (page["HasMoreShards"], rest["HasMoreShards"]) == (True, False)
    assert [shard["ShardId"][-1] for shard in page["Shards"] + rest["Shards"]] == ["0", "1", "2"]


def test_tags_are_added_listed_in_pages_and_removed() -> None:
    api = Api()
    api("AddTagsToStream", Tags={"team": "risk", "app": "fraud"})
    page = api("ListTagsForStream", Limit=1)
    assert page == {"Tags": [{"Key": "app", "Value": "fraud"}], "HasMoreTags": True}
    api("RemoveTagsFromStream", TagKeys=["app", "absent"])
    assert api("ListTagsForStream")["Tags"] == [{"Key": "team", "Value": "risk"}]
