"""The opaque strings that callers hand back: shard iterators and paging tokens. Both live for five minutes."""

import base64
import binascii
from typing import NamedTuple

import msgspec

from infra.local.kinesis.errors import ExpiredIteratorException, ExpiredNextTokenException, InvalidArgumentException

LIFETIME_MS = 300_000


class ShardIterator(NamedTuple):
    """A place in a shard: the records from ``sequence_number`` on come next."""

    stream: str
    created_ms: int
    shard_id: str
    sequence_number: str
    issued_ms: int


class ShardPage(NamedTuple):
    """Where ListShards goes on, with the filter that the first page was asked for."""

    stream: str
    created_ms: int
    after: str
    filter_type: str
    filter_shard_id: str | None
    filter_ms: int | None
    issued_ms: int


def seal(token: ShardIterator | ShardPage) -> str:
    """Write a token for the wire."""
    return base64.b64encode(msgspec.json.encode(token)).decode()


def stream_of(text: str) -> str:
    """Name the stream that a token is for, whatever its age; nothing for a token that was never issued."""
    try:
        return str(msgspec.json.decode(base64.b64decode(text, validate=True), type=list[object])[0])
    except (binascii.Error, msgspec.DecodeError, IndexError):
        return ""


def open_iterator(text: str, now_ms: int) -> ShardIterator:
    """Read a shard iterator back; raises ``InvalidArgumentException`` or ``ExpiredIteratorException``."""
    try:
        iterator = msgspec.json.decode(base64.b64decode(text, validate=True), type=ShardIterator)
    except (binascii.Error, msgspec.DecodeError) as error:
        raise InvalidArgumentException("Invalid ShardIterator.") from error
    if now_ms - iterator.issued_ms > LIFETIME_MS:
        raise ExpiredIteratorException(
            f"Iterator expired. The iterator was created at time {iterator.issued_ms} while right now it is {now_ms} "
            f"which is further in the future than the tolerated delay of {LIFETIME_MS} milliseconds."
        )
    return iterator


def open_page(text: str, now_ms: int) -> ShardPage:
    """Read a paging token back; raises ``InvalidArgumentException`` or ``ExpiredNextTokenException``."""
    try:
        page = msgspec.json.decode(base64.b64decode(text, validate=True), type=ShardPage)
    except (binascii.Error, msgspec.DecodeError) as error:
        raise InvalidArgumentException("Invalid NextToken.") from error
    if now_ms - page.issued_ms > LIFETIME_MS:
        raise ExpiredNextTokenException(f"NextToken expired: it is older than {LIFETIME_MS} milliseconds.")
    return page
