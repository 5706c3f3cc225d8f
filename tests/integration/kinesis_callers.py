"""Three ways to call Kinesis, with none of the emulator's own code: boto3, and HTTP/2 without TLS with JSON or CBOR."""

import base64
import json
import socket
from collections.abc import Callable
from typing import Any, Protocol

import cbor2
import h2.connection
import h2.events
from botocore.exceptions import ClientError

DOCUMENT = dict[str, Any]
_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0"
)


class Refused(Exception):
    """An answer other than 200, by its code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Caller(Protocol):
    """Data is bytes and times are epoch milliseconds, whatever the wire."""

    def __call__(self, operation: str, **members: Any) -> DOCUMENT: ...


class Boto3Caller:
    """HTTP/1.1 and JSON. Parameters are not validated here: that is the server's turn."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, operation: str, **members: Any) -> DOCUMENT:
        try:
            answer = self._client._make_api_call(operation, _with_times(members, lambda ms: ms / 1000))
        except ClientError as error:
            answer = error.response
            facts = answer["Error"]
            raise Refused(answer["ResponseMetadata"]["HTTPStatusCode"], facts["Code"], facts["Message"]) from error
        for record in answer.get("Records", []):
            if "ApproximateArrivalTimestamp" in record:
                record["ApproximateArrivalTimestamp"] = round(record["ApproximateArrivalTimestamp"].timestamp() * 1000)
        return dict(answer)


class H2Caller:
    """HTTP/2 by prior knowledge on one connection, as the Java SDK does it."""

    def __init__(self, port: int, *, cbor: bool) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._connection = h2.connection.H2Connection()
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(1 << 26)
        self._cbor = cbor

    def close(self) -> None:
        self._socket.close()

    def __call__(self, operation: str, **members: Any) -> DOCUMENT:
        content_type = "application/x-amz-cbor-1.1" if self._cbor else "application/x-amz-json-1.1"
        body = _encode_cbor(members) if self._cbor else _encode_json(members)
        status, answer = self.exchange(operation, content_type, body)
        document: DOCUMENT = (_decode_cbor(answer) if self._cbor else _decode_json(answer)) if answer else {}
        if status != 200:
            raise Refused(status, document["__type"], document["message"])
        return document

    def exchange(self, operation: str, content_type: str, body: bytes) -> tuple[int, bytes]:
        stream = self._connection.get_next_available_stream_id()
        headers = [
            (":method", "POST"),
            (":path", "/"),
            (":scheme", "http"),
            (":authority", "127.0.0.1"),
            ("x-amz-target", f"Kinesis_20131202.{operation}"),
            ("content-type", content_type),
            ("x-amz-date", "20260101T000000Z"),
            ("authorization", _AUTHORIZATION),
        ]
        self._connection.send_headers(stream, headers)
        self._connection.increment_flow_control_window(1 << 26, stream)
        return self._finish(stream, memoryview(body))

    def _finish(self, stream: int, unsent: memoryview) -> tuple[int, bytes]:
        status, answer, is_sent, is_over = 0, bytearray(), False, False
        while not is_over:
            unsent, is_sent = self._send(stream, unsent, is_sent=is_sent)
            received = self._socket.recv(1 << 20)
            if not received:
                raise ConnectionError("closed in the middle of an exchange")
            for event in self._connection.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    status = int(dict(event.headers)[b":status"])
                elif isinstance(event, h2.events.DataReceived):
                    answer += event.data
                    self._connection.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, h2.events.StreamEnded):
                    is_over = True
                elif isinstance(event, h2.events.ConnectionTerminated | h2.events.StreamReset):
                    raise ConnectionError(event)
        return status, bytes(answer)

    def _send(self, stream: int, unsent: memoryview, *, is_sent: bool) -> tuple[memoryview, bool]:
        while not is_sent and (window := self._connection.local_flow_control_window(stream)) > 0:
            size = min(window, self._connection.max_outbound_frame_size)
            is_sent = size >= len(unsent)
            self._connection.send_data(stream, bytes(unsent[:size]), end_stream=is_sent)
            unsent = unsent[size:]
        self._socket.sendall(self._connection.data_to_send())
        return unsent, is_sent


def _with_times(document: DOCUMENT, convert: Callable[[int], Any]) -> DOCUMENT:
    changed = dict(document)
    if "Timestamp" in changed:
        changed["Timestamp"] = convert(changed["Timestamp"])
    if "ShardFilter" in changed:
        changed["ShardFilter"] = _with_times(changed["ShardFilter"], convert)
    return changed


def _encode_cbor(members: DOCUMENT) -> bytes:
    return cbor2.dumps(_with_times(members, lambda ms: cbor2.CBORTag(1, ms)))


def _decode_cbor(body: bytes) -> Any:
    def milliseconds(value: Any, _immutable: bool) -> Any:
        return value

    return cbor2.loads(body, semantic_decoders={1: milliseconds})


def _encode_json(members: DOCUMENT) -> bytes:
    timed = _with_times(members, lambda ms: ms / 1000)
    return json.dumps(timed, default=lambda data: base64.b64encode(data).decode()).encode()


def _decode_json(body: bytes) -> Any:
    document = json.loads(body)
    for record in document.get("Records", []):
        if "Data" in record:
            record["Data"] = base64.b64decode(record["Data"])
            record["ApproximateArrivalTimestamp"] = round(record["ApproximateArrivalTimestamp"] * 1000)
    return document
