"""Many user records in one Kinesis record, in the format of the Kinesis Producer Library: pure bytes in and out.

Source: aggregation-format.md of amazon-kinesis-producer, and KCL 3.1.3's AggregatorUtil, which takes them apart. An own codec, because the
Python libraries for it are no longer maintained, and three message types are less code than a generated module would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import md5
from typing import Final, NamedTuple

MAGIC: Final = b"\xf3\x89\x9a\xc2"
HASH_KEYS: Final = 1 << 128
"""Hash keys are 0 to this, exclusive."""
FIXED_BYTES: Final = 20
"""What an aggregate has beside its records: magic and digest."""
_DIGEST_BYTES = 16
_RECORD_ROOM, _HASH_KEY_ROOM = 24, 10  # tags, lengths and indexes, of up to four bytes each
_VARINT, _FIXED_64, _BYTES, _GROUP, _GROUP_END, _FIXED_32 = range(6)
_KEY_TAG, _HASH_KEY_TAG, _RECORD_TAG = b"\x0a", b"\x12", b"\x1a"
_KEY_INDEX_TAG, _HASH_KEY_INDEX_TAG, _DATA_TAG = b"\x08", b"\x10", b"\x1a"
_VARINT_BYTES, _MAX_FIELD = 10, (1 << 29) - 1


class UserRecord(NamedTuple):
    """What a producer sent: bytes, partition key, and the hash key in decimal if it chose one itself."""

    data: bytes
    partition_key: str
    explicit_hash_key: str | None = None


def hash_key_of(partition_key: str) -> int:
    """Return the hash key, 0 to 2^128 - 1, by which Kinesis chooses the shard of a key: its MD5."""
    return int.from_bytes(md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


def most_bytes(record: UserRecord) -> int:
    """Return a bound of what `record` adds to an aggregate."""
    chosen = 0 if record.explicit_hash_key is None else len(record.explicit_hash_key) + _HASH_KEY_ROOM
    return len(record.data) + len(record.partition_key.encode()) + _RECORD_ROOM + chosen


def encode(records: Sequence[UserRecord]) -> bytes:
    """Return the records as one aggregate, in their order, with at most `FIXED_BYTES` + the sum of their `most_bytes`.

    Not checked here: all must belong to one shard. KCL drops a whole aggregate, without a word, if the hash key of one of its
    records lies outside the range of the shard that it was read from; but not while it does not know that range yet.
    """
    keys = _index(record.partition_key for record in records)
    hash_keys = _index(record.explicit_hash_key for record in records if record.explicit_hash_key is not None)
    parts = [_delimited(_KEY_TAG, key.encode()) for key in keys]
    parts += [_delimited(_HASH_KEY_TAG, key.encode()) for key in hash_keys]
    for data, key, hash_key in records:
        choice = b"" if hash_key is None else _HASH_KEY_INDEX_TAG + _varint(hash_keys[hash_key])
        message = b"".join((_KEY_INDEX_TAG, _varint(keys[key]), choice, _DATA_TAG, _varint(len(data)), data))
        parts += _RECORD_TAG, _varint(len(message)), message
    message = b"".join(parts)
    return MAGIC + message + md5(message, usedforsecurity=False).digest()


def split(data: bytes) -> list[UserRecord] | None:
    """Return the user records in `data`, whose places are their sub-sequence numbers, or None where it is no aggregate.

    KCL's rules, but for one: records that KCL would drop because of the shard's range are here too. A record whose indexes point
    nowhere, at which KCL fails, has the key "".
    """
    if not data.startswith(MAGIC) or len(data) <= FIXED_BYTES:
        return None
    message, digest = data[len(MAGIC) : -_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if md5(message, usedforsecurity=False).digest() != digest:
        return None
    try:
        return _read_aggregate(message)
    except (ValueError, IndexError):
        return None


def _index(keys: Iterable[str]) -> dict[str, int]:
    return {key: number for number, key in enumerate(dict.fromkeys(keys))}


def _delimited(tag: bytes, content: bytes) -> bytes:
    return tag + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    if number < 128:  # noqa: PLR2004 -- what seven bits hold
        return number.to_bytes()
    groups = bytearray()
    while number > 127:  # noqa: PLR2004
        groups.append(number & 127 | 128)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _read_aggregate(message: bytes) -> list[UserRecord]:
    keys, hash_keys, records = list[str](), list[str](), list[tuple[int, int | None, bytes]]()
    for number, value in _fields(message):
        if isinstance(value, int):
            continue
        if number == 1:
            keys.append(value.decode(errors="replace"))
        elif number == 2:  # noqa: PLR2004 -- field numbers of the format, here and below
            hash_keys.append(value.decode(errors="replace"))
        elif number == 3:  # noqa: PLR2004
            records.append(_read_record(value))
    return [_user_record(keys, hash_keys, *record) for record in records]


def _read_record(message: bytes) -> tuple[int, int | None, bytes]:
    """Return the indexes of partition key and hash key, and the data. ValueError where a required field is missing."""
    key = hash_key = data = None
    for number, value in _fields(message):
        if isinstance(value, bytes):
            data = value if number == 3 else data  # noqa: PLR2004
        elif number == 1:
            key = value
        elif number == 2:  # noqa: PLR2004
            hash_key = value
    if key is None or data is None:
        raise ValueError("a record without partition key or data")
    return key, hash_key, data


def _user_record(
    keys: Sequence[str], hash_keys: Sequence[str], key: int, hash_key: int | None, data: bytes
) -> UserRecord:
    if key >= len(keys) or (hash_key is not None and hash_key >= len(hash_keys)):
        return UserRecord(data, "")
    return UserRecord(data, keys[key], None if hash_key is None else hash_keys[hash_key])


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of the fields that are varints or bytes. ValueError or IndexError where the message is malformed."""
    at, groups = 0, list[int]()
    while at < len(message):
        tag, at = _read_varint(message, at)
        number, kind = tag >> 3, tag & 7
        value, at = _read_value(message, at, kind)
        if not 0 < number <= _MAX_FIELD or at > len(message):
            raise ValueError("a malformed field")
        if kind == _GROUP:
            groups.append(number)
        elif kind == _GROUP_END and groups.pop() != number:
            raise ValueError("a group that ends as another")
        elif not groups and value is not None:
            yield number, value
    if groups:
        raise ValueError("a group without an end")


def _read_value(message: bytes, at: int, kind: int) -> tuple[int | bytes | None, int]:
    """Return the value, None for a kind that the format does not use, and where it ends."""
    if kind == _VARINT:
        return _read_varint(message, at)
    if kind == _BYTES:
        size, at = _read_varint(message, at)
        return message[at : at + size], at + size
    if kind in {_GROUP, _GROUP_END}:
        return None, at
    if kind in {_FIXED_64, _FIXED_32}:
        return None, at + (8 if kind == _FIXED_64 else 4)
    raise ValueError("an unknown wire type")


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place in range(_VARINT_BYTES):
        byte = message[at + place]
        number |= (byte & 127) << 7 * place
        if byte < 128:  # noqa: PLR2004
            return number, at + place + 1
    raise ValueError("a number of more than ten bytes")
