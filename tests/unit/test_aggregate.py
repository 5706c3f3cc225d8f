"""The aggregate format against protobuf's own library, under the descriptor that KPL publishes."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.aggregate import FIXED_BYTES, HASH_KEYS, MAGIC, UserRecord, encode, hash_key_of, most_bytes, split

_FIELDS = {
    "Tag": (("key", 1, "required", "string"), ("value", 2, "optional", "string")),
    "Record": (
        ("partition_key_index", 1, "required", "uint64"),
        ("explicit_hash_key_index", 2, "optional", "uint64"),
        ("data", 3, "required", "bytes"),
        ("tags", 4, "repeated", "Tag"),
    ),
    "AggregatedRecord": (
        ("partition_key_table", 1, "repeated", "string"),
        ("explicit_hash_key_table", 2, "repeated", "string"),
        ("records", 3, "repeated", "Record"),
    ),
}
_RECORDS = st.builds(
    UserRecord,
    st.binary(max_size=300),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.none() | st.integers(0, HASH_KEYS - 1).map(str),
)


def _messages() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="kpl.proto", package="kpl", syntax="proto2")
    types = descriptor_pb2.FieldDescriptorProto
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, label, kind in fields:
            is_message = kind in _FIELDS
            described.field.add(
                name=name,
                number=number,
                label=types.Label.Value(f"LABEL_{label.upper()}"),
                type=types.Type.Value("TYPE_MESSAGE" if is_message else f"TYPE_{kind.upper()}"),
                type_name=f".kpl.{kind}" if is_message else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("kpl.AggregatedRecord"))


AggregatedRecord = _messages()


def sealed(message: bytes) -> bytes:
    return MAGIC + message + md5(message, usedforsecurity=False).digest()


def as_protobuf(records: Sequence[UserRecord]) -> Any:
    message = AggregatedRecord()
    for data, key, hash_key in records:
        message.partition_key_table.append(key)
        record = message.records.add(partition_key_index=len(message.partition_key_table) - 1, data=data)
        if hash_key is not None:
            message.explicit_hash_key_table.append(hash_key)
            record.explicit_hash_key_index = len(message.explicit_hash_key_table) - 1
    return message


@given(st.lists(_RECORDS, min_size=1, max_size=200))
@example([UserRecord(b"x", f"user-{number}") for number in range(300)])
def test_protobuf_reads_what_we_write(records: list[UserRecord]) -> None:
    message = AggregatedRecord.FromString(encode(records)[len(MAGIC) : -16])

    read = [
        UserRecord(
            record.data,
            message.partition_key_table[record.partition_key_index],
            message.explicit_hash_key_table[record.explicit_hash_key_index]
            if record.HasField("explicit_hash_key_index")
            else None,
        )
        for record in message.records
    ]
    assert read == records
    assert len(set(message.partition_key_table)) == len(message.partition_key_table)


@given(st.lists(_RECORDS, min_size=1, max_size=20))
def test_we_read_what_protobuf_writes_in_any_shape_of_its_tables(records: list[UserRecord]) -> None:
    message = as_protobuf(records)
    message.records[0].tags.add(key="a tag", value="that nobody reads")

    assert split(sealed(message.SerializeToString())) == records
    assert split(encode(records)) == records


@given(st.lists(_RECORDS, min_size=1, max_size=20))
def test_an_aggregate_is_never_larger_than_its_bound(records: list[UserRecord]) -> None:
    assert len(encode(records)) <= FIXED_BYTES + sum(map(most_bytes, records))


def test_a_record_of_several_megabytes_keeps_the_bound_too() -> None:
    record = UserRecord(b"x" * (5 << 20), "k" * 256, str(HASH_KEYS - 1))

    assert len(encode([record])) <= FIXED_BYTES + most_bytes(record)
    assert split(encode([record])) == [record]


@given(st.binary(max_size=60))
@example(b"")
@example(b"\x08\x01")
@example(b"\x1b\x08\x01\x1c")
@example(b"\x1b")
@example(b"\x13\xec\x00")
@example(b"\xa1\x80\x80\x80\x10" + bytes(8))
@example(b"\x1c")
@example(b"\x1a\x02\x08\x00")
@example(b"\x1a\x02\x1a\x00")
@example(b"\x0a\x7f")
@example(b"\x0a" + b"\xff" * 10)
@example(b"\x00\x00")
@example(b"\x0f")
@example(b"\x0d\x00\x00")
@example(b"\x1a\x09\x08\x00\x1a\x00\x25\x00\x00\x00\x00")
@example(b"\x1a\x0d\x08\x00\x1a\x00\x21\x00\x00\x00\x00\x00\x00\x00\x00")
def test_any_bytes_under_a_good_digest_are_read_as_protobuf_reads_them(message: bytes) -> None:
    found = split(sealed(message))

    try:
        expected = AggregatedRecord.FromString(message)
    except Exception:  # noqa: BLE001 -- each implementation of protobuf has its own
        assert found is None
        return
    is_complete = expected.IsInitialized() and message
    assert (None if found is None else [r.data for r in found]) == (
        [record.data for record in expected.records] if is_complete else None
    )


def test_what_only_looks_like_an_aggregate_is_none() -> None:
    good = encode([UserRecord(b"x", "k")])

    for data in (b"", b"plain", MAGIC, MAGIC + b"x" * 16, good[:-1], good + b"x", good[:-1] + b"\0", b"x" + good):
        assert split(data) is None, data


def test_a_record_whose_key_is_nowhere_has_none_and_is_still_seen() -> None:
    message = as_protobuf([UserRecord(b"one", "a"), UserRecord(b"two", "b", "7")])
    message.records[0].partition_key_index = 9
    message.records[1].explicit_hash_key_index = 9

    assert split(sealed(message.SerializeToString())) == [UserRecord(b"one", ""), UserRecord(b"two", "")]


@pytest.mark.parametrize(("key", "expected"), [("a", 0x0CC175B9C0F1B6A831C399E269772661), ("é", 0)])
def test_a_hash_key_is_the_md5_of_the_key_in_utf8(key: str, expected: int) -> None:
    assert hash_key_of(key) == (expected or int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16))
