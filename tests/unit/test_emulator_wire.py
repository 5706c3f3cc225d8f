"""JSON and CBOR as the AWS SDKs write and read them."""

import cbor2
import pytest

from infra.local.kinesis.errors import SerializationException
from infra.local.kinesis.requests import read_request
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
