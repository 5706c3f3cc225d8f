"""The two formats of the Kinesis API: JSON (Python, the AWS CLI) and CBOR (the Java SDK)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cbor2
import msgspec

from infra.local.kinesis.errors import SerializationException
from infra.local.kinesis.record_wire import encode_records, text
from infra.local.kinesis.shard import Record

_CBOR_EPOCH_TAG = 1


class Moment:
    """A point in time on the wire: fractional epoch seconds in JSON, tag 1 over epoch milliseconds in CBOR.

    RFC 8949 wants seconds under tag 1; AWS and its SDKs write milliseconds.
    """

    __slots__ = ("epoch_ms",)

    def __init__(self, epoch_ms: int) -> None:
        self.epoch_ms = epoch_ms


@dataclass(frozen=True, slots=True)
class Codec:
    """One of the formats, with the content type that names it."""

    content_type: str
    encode: Callable[[Mapping[str, Any]], bytes]
    decode: Callable[[bytes], Any]

    def read(self, body: bytes) -> Mapping[str, Any]:
        """Decode a request; no body is an empty request. Raises ``SerializationException``."""
        try:
            document = self.decode(body) if body else {}
        except (msgspec.DecodeError, cbor2.CBORDecodeError) as error:
            raise SerializationException(f"The body is not {self.content_type}.") from error
        if not isinstance(document, dict):
            raise SerializationException("The body is not a structure.")
        return document


def codec_for(content_type: str) -> Codec:
    """Choose the format of a request and its answer."""
    return CBOR if "cbor" in content_type else JSON


def _json_moment(value: Any) -> float:
    if isinstance(value, Moment):
        return value.epoch_ms / 1000
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _write_cbor_moment(encoder: cbor2.CBOREncoder, moment: Moment) -> None:
    encoder.encode_semantic(_CBOR_EPOCH_TAG, moment.epoch_ms)


def _encode_cbor(document: Mapping[str, Any]) -> bytes:
    records = document.get("Records")
    if not records or not isinstance(records[0], Record):
        return cbor2.dumps(document, encoders={Moment: _write_cbor_moment})
    rest = cbor2.dumps({name: value for name, value in document.items() if name != "Records"})
    return bytes([rest[0] + 1]) + text("Records") + encode_records(records) + rest[1:]  # a map that has one member more


def _decode_cbor(body: bytes) -> Any:
    return cbor2.loads(body, semantic_decoders={_CBOR_EPOCH_TAG: lambda value, _immutable: Moment(int(value))})


JSON = Codec("application/x-amz-json-1.1", msgspec.json.Encoder(enc_hook=_json_moment).encode, msgspec.json.decode)
CBOR = Codec("application/x-amz-cbor-1.1", _encode_cbor, _decode_cbor)
