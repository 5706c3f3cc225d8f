"""Kinesis over HTTP: picks the format and the region, and turns every outcome into an answer."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog

from infra.local.aws.http import HttpAnswer, HttpRequest, HttpResponse, HttpStream
from infra.local.aws.shard_push import push_shard
from infra.local.kinesis.errors import InternalFailure, KinesisError
from infra.local.kinesis.event_stream import CONTENT_TYPE
from infra.local.kinesis.operations import perform_encoded, subscribe
from infra.local.kinesis.region import Region
from infra.local.kinesis.wire import Codec, codec_for

TARGET_PREFIX = "Kinesis_20131202."

log = structlog.get_logger()


def wall_clock_ms() -> int:
    """Read the wall clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


class KinesisEndpoint:
    """Answers Kinesis requests one after the other: call it from one thread only."""

    def __init__(self, clock_ms: Callable[[], int] = wall_clock_ms) -> None:
        self._clock_ms = clock_ms
        self._regions: dict[str, Region] = {}

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Run a request; never raises."""
        codec = codec_for(request.headers.get("content-type", ""))
        operation = request.target.removeprefix(TARGET_PREFIX)
        try:
            return self._perform(operation, request, codec)
        except KinesisError as error:
            return _refusal(error, codec)
        except Exception:
            log.exception("kinesis_operation_failed", operation=operation)
            return _refusal(InternalFailure("The emulator failed; its log has the cause."), codec)

    def trim(self, stream_name: str, before_ms: int) -> bool:
        """Forget what arrived before ``before_ms``, as the retention period will in time; False if there is no such stream."""
        streams = [region.streams[stream_name] for region in self._regions.values() if stream_name in region.streams]
        for stream in streams:
            stream.trimmed_ms = max(stream.trimmed_ms, before_ms)
        return bool(streams)

    def _perform(self, operation: str, request: HttpRequest, codec: Codec) -> HttpAnswer:
        region, now_ms = self._regions.setdefault(request.region, Region(request.region)), self._clock_ms()
        if operation != "SubscribeToShard":
            return _response(200, perform_encoded(region, operation, request.body, codec, now_ms), codec)
        stream, subscription = subscribe(region, codec.read(request.body), now_ms)
        headers = [(b"content-type", CONTENT_TYPE.encode()), _request_id()]
        return HttpStream(200, headers, push_shard(stream, subscription, codec, self._clock_ms))


def _refusal(error: KinesisError, codec: Codec) -> HttpResponse:
    return _response(error.status, {"__type": error.code, "message": str(error)}, codec)


def _response(status: int, document: dict[str, Any], codec: Codec) -> HttpResponse:
    body = codec.encode(document)
    headers = [
        (b"content-type", codec.content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        _request_id(),
    ]
    return HttpResponse(status, headers, body)


def _request_id() -> tuple[bytes, bytes]:
    return b"x-amzn-requestid", str(uuid.uuid4()).encode()
