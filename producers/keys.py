"""Which partition key a record gets: the customer, so that a customer's events arrive in order on one shard."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from producers.records import OutgoingRecord

MAX_PARTITION_KEY_CHARACTERS = 256


def partition_key(user_id: object, data: bytes) -> str:
    """Return `user_id` where Kinesis takes it as a key, else a hash of `data`, so that unreadable events spread over the shards.

    Keys that are not printable (control characters, lone surrogates) are replaced too: logs and consoles show partition keys.
    """
    if isinstance(user_id, str) and 0 < len(user_id) <= MAX_PARTITION_KEY_CHARACTERS and user_id.isprintable():
        return user_id
    return blake2b(data, digest_size=16).hexdigest()


class _Keyed(msgspec.Struct, gc=False):
    user_id: str | None = None


_read_key = msgspec.json.Decoder(_Keyed).decode


def keyed_record(data: bytes) -> OutgoingRecord:
    """Return `data` as a record under the user_id in it, or under a hash where none can be read; any bytes will do."""
    try:
        user_id = _read_key(data).user_id
    except (ValueError, RecursionError):
        user_id = None
    return OutgoingRecord(data, partition_key(user_id, data))
