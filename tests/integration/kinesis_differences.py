"""Where kinesis-local does something else than the conformance suite asks for, and why the suite is right.

Each step is expected to fail there, strictly: when kinesis-local changes its mind, the suite says so. It is called over
HTTP/1.1 only: in CBOR it answers blobs as base64 text.
"""

from typing import NamedTuple


class Difference(NamedTuple):
    """What kinesis-local does at a step, and by which words of AWS's documentation ours is right."""

    it_does: str
    aws_says: str


_REFUSED = "test_what_makes_no_sense_is_refused_by_its_code"
DIFFERENCES = {
    "test_scaling_ends_with_shards_of_one_size_and_known_parents[2-3]": Difference(
        "splits one shard in two and leaves the other as it is",
        "ScalingType: uniform scaling creates shards of equal size",
    ),
    "test_scaling_ends_with_shards_of_one_size_and_known_parents[3-2]": Difference(
        "merges two shards and leaves the third as it is",
        "ScalingType: uniform scaling creates shards of equal size",
    ),
    "test_scaling_down_to_less_than_half_is_refused": Difference(
        "carries it out", "UpdateShardCount: by default you cannot scale down below half your current shard count"
    ),
    f"{_REFUSED}[a name with a blank]": Difference(
        "answers InvalidArgumentException", "a broken pattern of the service model is a validation error"
    ),
    f"{_REFUSED}[a long partition key]": Difference(
        "answers InvalidArgumentException", "a broken length of the service model is a validation error"
    ),
    f"{_REFUSED}[an odd iterator type]": Difference(
        "answers SerializationException", "a value outside an enumeration of the service model is a validation error"
    ),
    f"{_REFUSED}[a large record]": Difference(
        "stores it", "PutRecord: data and partition key together may have 1 MiB, unless the stream allows for more"
    ),
    f"{_REFUSED}[a long batch]": Difference("stores it", "PutRecords: each request can support up to 500 records"),
    f"{_REFUSED}[a made-up iterator]": Difference(
        "answers 500", "GetRecords: an invalid argument is an InvalidArgumentException, status 400"
    ),
    f"{_REFUSED}[a split at the first key]": Difference(
        "carries it out", "NewStartingHashKey is the start of one of two children; one of them would have no hash key"
    ),
    "test_an_unknown_operation_is_named_so": Difference(
        "answers AccessDeniedException", "common errors of the API: UnknownOperationException"
    ),
}

TOO_SLOW = {
    "test_ten_mebibytes_go_in_and_come_out_in_one_call": "takes a minute; nine of the ten mebibytes come back in one call",
    "test_get_records_gives_ten_thousand_records_at_most": "takes a minute and a half to store them",
}
