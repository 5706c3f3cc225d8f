"""HTTP requests and answers apart from ASGI's messages. All are whole but the answer to a subscription, which goes on."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

DEFAULT_REGION = "us-east-1"
_SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request with its whole body; header names are lower case, ``raw_path`` and ``query`` as they came."""

    method: str
    path: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    port: int

    @property
    def target(self) -> str:
        """The ``X-Amz-Target``: API version and operation, or nothing."""
        return self.headers.get("x-amz-target", "")

    @property
    def region(self) -> str:
        """The region that the signature is for. Signatures are not verified."""
        return self._scope("region", DEFAULT_REGION)

    @property
    def service(self) -> str:
        """The service that the signature is for; an unsigned request is taken for S3, as moto does."""
        return self._scope("service", "s3")

    def _scope(self, part: str, default: str) -> str:
        scope = _SCOPE.search(self.headers.get("authorization", ""))
        return scope[part] if scope else default


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer with its whole body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpStream:
    """An answer whose body comes piece by piece."""

    status: int
    headers: list[tuple[bytes, bytes]]
    parts: AsyncGenerator[bytes, None]


HttpAnswer = HttpResponse | HttpStream


def answer(status: int, content_type: str, body: bytes) -> HttpResponse:
    """Make an answer of our own, as moto and Kinesis make theirs."""
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    return HttpResponse(int(status), headers, body)


class ClientGone(Exception):
    """The client went away before its request was whole: nothing of it may be carried out, as with the real services."""


async def receive_request(scope: HTTPScope, receive: ASGIReceiveCallable) -> HttpRequest:
    """Collect a request. Raises ``ClientGone``."""
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin1")
    server = scope.get("server") or ("127.0.0.1", 0)
    return HttpRequest(
        method=scope["method"],
        path=scope["path"],
        raw_path=raw_path.partition("?")[0],
        query=scope["query_string"].decode("latin1"),
        headers={name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]},
        body=await _receive_body(receive),
        port=server[1] or 0,
    )


async def send_response(response: HttpResponse, send: ASGISendCallable) -> None:
    """Send an answer."""
    start: Any = {"type": "http.response.start", "status": response.status, "headers": response.headers}
    body: Any = {"type": "http.response.body", "body": response.body, "more_body": False}
    await send(start)
    await send(body)


async def send_stream(stream: HttpStream, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Send an answer piece by piece, to its end or until the client goes."""
    tasks = {asyncio.ensure_future(_send_parts(stream, send)), asyncio.ensure_future(receive())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_parts(stream: HttpStream, send: ASGISendCallable) -> None:
    start: Any = {"type": "http.response.start", "status": stream.status, "headers": stream.headers}
    await send(start)
    async with aclosing(stream.parts) as parts:
        async for part in parts:
            body: Any = {"type": "http.response.body", "body": part, "more_body": True}
            await send(body)
    end: Any = {"type": "http.response.body", "body": b"", "more_body": False}
    await send(end)


async def _receive_body(receive: ASGIReceiveCallable) -> bytes:
    parts: list[bytes] = []
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
