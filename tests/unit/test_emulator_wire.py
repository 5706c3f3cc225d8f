"""JSON and CBOR as the AWS SDKs write and read them."""

import json

import cbor2
import pytest

from infra.local.kinesis.errors import SerializationException
from infra.local.kinesis.record_wire import read_plain_put
from infra.local.kinesis.requests import read_request
from infra.local.kinesis.shard import Record
from infra.local.kinesis.wire import CBOR, JSON, Codec, Moment, codec_for

NOW_MS = 1_750_000_000_123


def test_a_time_is_fractional_seconds_in_json() -> None:
    assert JSON.encode({"T": Moment(NOW_MS)}) == b'{"T":1750000000.123}'


def test_a_time_is_milliseconds_under_tag_one_in_cbor() -> None:
    expected = b"\xa1\x61T\xc1\x1b" + NOW_MS.to_bytes(8, "big")
    assert CBOR.encode({"T": Moment(NOW_MS)}) == expected


@pytest.mark.parametrize("value", [NOW_MS, float(NOW_MS)])
def test_a_time_in_cbor_is_not_taken_for_seconds(value: float) -> None:
    body = cbor2.dumps({"Timestamp": cbor2.CBORTag(1, value), "ShardId": "a", "ShardIteratorType": "AT_TIMESTAMP"})
    assert read_request("GetShardIterator", CBOR.read(body))["Timestamp"] == NOW_MS


def test_a_time_in_json_is_read_as_seconds() -> None:
    body = b'{"Timestamp":1750000000.123,"ShardId":"a","ShardIteratorType":"AT_TIMESTAMP"}'
    assert read_request("GetShardIterator", JSON.read(body))["Timestamp"] == NOW_MS


def test_the_java_sdk_s_indefinite_maps_and_lists_are_read() -> None:
    entry = b"\xbf" + cbor2.dumps("Data") + cbor2.dumps(b"\x00\xff") + cbor2.dumps("PartitionKey") + b"\x61k\xff"
    body = b"\xbf" + cbor2.dumps("StreamName") + b"\x61s" + cbor2.dumps("Records") + b"\x9f" + entry + b"\xff\xff"
    members = read_request("PutRecords", CBOR.read(body))
    assert members == {"StreamName": "s", "Records": [{"Data": b"\x00\xff", "PartitionKey": "k"}]}


@pytest.mark.parametrize("codec", [JSON, CBOR])
def test_data_survives_both_formats(codec: Codec) -> None:
    document = codec.read(codec.encode({"Data": bytes(range(256)), "PartitionKey": "ü"}))
    members = read_request("PutRecord", document)
    assert members == {"Data": bytes(range(256)), "PartitionKey": "ü"}


@pytest.mark.parametrize("codec", [JSON, CBOR])
def test_no_body_is_an_empty_request(codec: Codec) -> None:
    assert codec.read(b"") == {}


@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b"\xff"),
        (CBOR, b"\xa1"),
        (CBOR, b"\x80"),
        (CBOR, b"\x81" * 5000),
        (CBOR, cbor2.dumps({"Timestamp": cbor2.CBORTag(1, "soon")})),
    ],
)
def test_a_body_in_no_format_is_refused(codec: Codec, body: bytes) -> None:
    with pytest.raises(SerializationException):
        codec.read(body)


def test_the_content_type_chooses_the_format() -> None:
    assert codec_for("application/x-amz-cbor-1.1") is CBOR
    assert codec_for("application/x-amz-json-1.1") is JSON


RECORDS = [
    Record("4" * 56, NOW_MS / 1000, bytes(size), key) for size, key in ((0, "k"), (23, "ü" * 12), (255, "k" * 200))
] + [Record("4" * 56, NOW_MS / 1000, bytes(size), "k") for size in (24, 256, 65_535, 65_536)]


@pytest.mark.parametrize("count", [0, 1, 30])
def test_records_in_cbor_are_what_cbor2_would_write(count: int) -> None:
    records = (RECORDS * 5)[:count]
    plain = [
        {
            "SequenceNumber": record.sequence_number,
            "ApproximateArrivalTimestamp": cbor2.CBORTag(1, NOW_MS),
            "Data": record.data,
            "PartitionKey": record.partition_key,
        }
        for record in records
    ]
    encoded = CBOR.encode({"Records": records, "MillisBehindLatest": 0, "NextShardIterator": "x"})
    as_milliseconds = {1: lambda value, _immutable: cbor2.CBORTag(1, value)}
    read = cbor2.loads(encoded, semantic_decoders=as_milliseconds)
    assert read == {"Records": plain, "MillisBehindLatest": 0, "NextShardIterator": "x"}


def test_records_in_json_have_the_names_and_the_types_of_the_api() -> None:
    (record,) = json.loads(JSON.encode({"Records": [Record("49", NOW_MS / 1000, b"\x00\xff", "k")]}))["Records"]
    assert record == {
        "SequenceNumber": "49",
        "ApproximateArrivalTimestamp": NOW_MS / 1000,
        "Data": "AP8=",
        "PartitionKey": "k",
    }


ENTRY = {"Data": "AP8=", "PartitionKey": "k"}


@pytest.mark.parametrize(
    "entries",
    [[ENTRY], [ENTRY, {**ENTRY, "PartitionKey": "ü" * 256, "ExplicitHashKey": "0"}], [{**ENTRY, "Data": ""}] * 500],
)
def test_the_quick_way_reads_of_a_plain_put_what_the_thorough_one_reads(entries: list[dict[str, str]]) -> None:
    body = json.dumps({"StreamName": "s", "Records": entries}).encode()
    assert read_plain_put(body) == read_request("PutRecords", JSON.read(body))


@pytest.mark.parametrize(
    "document",
    [
        {"Records": [ENTRY]},
        {"StreamName": "s", "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "Records": [ENTRY]},
        {"StreamName": "a b", "Records": [ENTRY]},
        {"StreamName": "s\n", "Records": [ENTRY]},
        {"StreamName": "s", "Records": []},
        {"StreamName": "s", "Records": [ENTRY] * 501},
        {"StreamName": "s", "Records": [{**ENTRY, "PartitionKey": ""}]},
        {"StreamName": "s", "Records": [{**ENTRY, "PartitionKey": "k" * 257}]},
        {"StreamName": "s", "Records": [{**ENTRY, "PartitionKey": None}]},
        {"StreamName": "s", "Records": [{**ENTRY, "Data": "not base64!"}]},
        {"StreamName": "s", "Records": [{"Data": ""}]},
        {"StreamName": "s", "Records": [{**ENTRY, "ExplicitHashKey": "01"}]},
        {"StreamName": "s", "Records": [{**ENTRY, "ExplicitHashKey": "1\n"}]},
        {"StreamName": "s", "Records": [{**ENTRY, "ExplicitHashKey": "1" * 40}]},
    ],
)
def test_what_is_not_a_plain_put_is_left_to_the_thorough_way(document: dict[str, object]) -> None:
    assert read_plain_put(json.dumps(document).encode()) is None
