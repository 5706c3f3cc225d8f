"""Operations on the shards of a stream: listing, splitting, merging and scaling them. Each is done when it is answered."""

from infra.local.kinesis.call import Call
from infra.local.kinesis.documents import Document, describe_shard
from infra.local.kinesis.errors import InvalidArgumentException, LimitExceededException
from infra.local.kinesis.scaling import scale_evenly
from infra.local.kinesis.shard import MAX_HASH_KEY
from infra.local.kinesis.shard_filter import ShardFilter
from infra.local.kinesis.stream import Stream
from infra.local.kinesis.tokens import ShardPage, open_page, seal

_SHARDS_PER_PAGE = 1000
_EXCLUSIVE_WITH_TOKEN = ("StreamName", "StreamARN", "ExclusiveStartShardId", "ShardFilter", "StreamCreationTimestamp")


def list_shards(call: Call) -> Document:
    """ListShards with every type of filter; the token remembers the filter."""
    stream, shard_filter, after = _listing(call)
    shards = [shard for shard in shard_filter.select(stream, call.now_ms) if shard.shard_id > after]
    limit = min(call.members.get("MaxResults", _SHARDS_PER_PAGE), _SHARDS_PER_PAGE)
    page: Document = {"Shards": [describe_shard(shard) for shard in shards[:limit]]}
    if len(shards) > limit:
        last = shards[limit - 1].shard_id
        place = (stream.name, stream.created_ms, last)
        chosen = (shard_filter.type, shard_filter.shard_id, shard_filter.timestamp_ms)
        page["NextToken"] = seal(ShardPage(*place, *chosen, issued_ms=call.now_ms))
    return page


def split_shard(call: Call) -> Document:
    """SplitShard; the children are open at once."""
    stream = call.provisioned_stream
    hash_key = read_hash_key("NewStartingHashKey", call.members["NewStartingHashKey"])
    call.region.check_quota(1)
    stream.split(call.members["ShardToSplit"], hash_key, call.now_ms)
    return {}


def merge_shards(call: Call) -> Document:
    """MergeShards; the child is open at once."""
    stream = call.provisioned_stream
    stream.merge(call.members["ShardToMerge"], call.members["AdjacentShardToMerge"], call.now_ms)
    return {}


def update_shard_count(call: Call) -> Document:
    """UpdateShardCount. The stream stays ACTIVE, and may be scaled more than AWS's ten times a day: chaos runs do that."""
    stream, target = call.provisioned_stream, call.members["TargetShardCount"]
    current = len(stream.open_shards)
    counts = f"Current open shard count: {current} Target shard count: {target}"
    if target > 2 * current:
        raise LimitExceededException(
            f"UpdateShardCount cannot scale up over double your current open shard count. {counts}"
        )
    if 2 * target < current:
        raise LimitExceededException(
            f"UpdateShardCount cannot scale down below half your current open shard count. {counts}"
        )
    call.region.check_quota(target - current)
    scale_evenly(stream, target, call.now_ms)
    names = {"StreamName": stream.name, "StreamARN": stream.arn}
    return {**names, "CurrentShardCount": current, "TargetShardCount": target}


def read_hash_key(member: str, text: str) -> int:
    """Read a hash key of 128 bits; raises ``InvalidArgumentException`` for a greater one."""
    key = int(text)
    if key > MAX_HASH_KEY:
        raise InvalidArgumentException(
            f"Invalid {member}. {member} must be in the range: [0, 2^128-1]. Specified: {key}"
        )
    return key


def _listing(call: Call) -> tuple[Stream, ShardFilter, str]:
    members = call.members
    if "NextToken" not in members:
        chosen = members.get("ShardFilter", {"Type": "FROM_TRIM_HORIZON"})
        shard_filter = ShardFilter(chosen["Type"], chosen.get("ShardId"), chosen.get("Timestamp"))
        return call.stream, shard_filter, members.get("ExclusiveStartShardId", "")
    for name in _EXCLUSIVE_WITH_TOKEN:
        if name in members:
            raise InvalidArgumentException(f"NextToken and {name} cannot be provided together.")
    page = open_page(members["NextToken"], call.now_ms)
    stream = call.region.incarnation(page.stream, page.created_ms, call.now_ms)
    return stream, ShardFilter(page.filter_type, page.filter_shard_id, page.filter_ms), page.after
