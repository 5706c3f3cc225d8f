"""The daemon's records as Lambda would hand them to a function: the same events, in the form of an event source mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from consumer.bench.feed import SHARD

_ACCOUNT = "000000000000"
_STREAM = f"arn:aws:kinesis:us-east-1:{_ACCOUNT}:stream/transactions"
_ROLE = f"arn:aws:iam::{_ACCOUNT}:role/scoring"


def invocations(wire: Sequence[bytes], size: int) -> Iterator[bytes]:
    """Yield lines, each the JSON of an invocation with `size` records of `feed.wire_records`; the last may hold fewer."""
    rest = iter(wire)
    while batch := list(islice(rest, size)):
        yield msgspec.json.encode({"Records": [_record(one) for one in batch]}) + b"\n"


def _record(wire: bytes) -> dict[str, Any]:
    given = msgspec.json.decode(wire)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": given["partitionKey"],
            "sequenceNumber": given["sequenceNumber"],
            "data": given["data"],
            "approximateArrivalTimestamp": given["approximateArrivalTimestamp"] / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:{given['sequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": _ROLE,
        "awsRegion": "us-east-1",
        "eventSourceARN": _STREAM,
    }
