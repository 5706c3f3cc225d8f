"""Stands in front of the app: size of bodies, headers, the shape of what nobody foresaw, and one line in the log for each request."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.gateway.headers import content_length, request_id, secured
from producers.gateway.metrics import Measure
from producers.gateway.problems import Refused
from producers.gateway.replies import refusal, response

_log = structlog.get_logger(__name__)
_GONE = 499
"""How the log shows a client that did not wait for its answer, as nginx has it."""
_DRAINED_BYTES = 4 * 1024 * 1024
_DRAINING_S = 2.0
_FRAMES = 4


@dataclass(slots=True)
class _Visit:
    """One request on its way through: counts what comes in, completes what goes out."""

    scope: Scope
    ask: Receive
    tell: Send
    most_bytes: int
    request_id: str
    began_s: float
    received_bytes: int = 0
    status: int | None = None

    async def receive(self) -> Message:
        message = await self.ask()
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > self.most_bytes:
            await self.drain(message)
            raise _too_large(self.most_bytes)
        return message

    async def drain(self, message: Message | None = None) -> None:
        """Read what is still on its way after `message`, within bounds: a client that still writes may never see its answer."""
        left = _DRAINED_BYTES
        try:
            async with asyncio.timeout(_DRAINING_S):
                while left > 0 and (message is None or message.get("more_body", False)):
                    message = await self.ask()
                    left -= len(message.get("body", b""))
        except TimeoutError:
            return

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = secured(message.get("headers", ()), self.request_id)
        await self.tell(message)

    async def refuse(self, refused: Refused) -> None:
        await response(refusal(refused))(self.scope, self.ask, self.send)


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware. `most_bytes` bounds every body, `by_path` those of some paths instead.

    What the app raises becomes 500 without a word about the cause; the log has the places that it came from, not what it said, because
    that may quote what the client sent.
    """

    app: ASGIApp
    measure: Measure
    most_bytes: int
    by_path: Mapping[str, int] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter
    new_id: Callable[[], str] = lambda: uuid4().hex

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; what is no HTTP request passes untouched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most_bytes = self.by_path.get(scope["path"], self.most_bytes)
        visit = _Visit(scope, receive, send, most_bytes, request_id(scope["headers"], self.new_id), self.clock())
        try:
            await self._answer(visit)
        finally:
            self._tell(visit)

    async def _answer(self, visit: _Visit) -> None:
        try:
            if content_length(visit.scope["headers"]) > visit.most_bytes:
                await visit.drain()
                raise _too_large(visit.most_bytes)  # noqa: TRY301 -- refused like all else, here and in the app
            await self.app(visit.scope, visit.receive, visit.send)
        except Refused as refused:
            await visit.refuse(refused)
        except ClientDisconnect:
            visit.status = _GONE
        except Exception as error:
            _log.error("request_failed", request_id=visit.request_id, kind=type(error).__name__, at=_places(error))
            if visit.status is not None:
                raise
            await visit.refuse(Refused("INTERNAL_ERROR", "This is our fault: tell us the X-Request-Id of the answer"))

    def _tell(self, visit: _Visit) -> None:
        scope, duration_ms = visit.scope, (self.clock() - visit.began_s) * 1000
        route = getattr(scope.get("route"), "path_format", "unmatched")
        status = _GONE if visit.status is None else visit.status
        self.measure("gateway_requests", 1, {"route": route, "status": str(status)})
        self.measure("gateway_request_ms", duration_ms, {"route": route})
        _log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            duration_ms=round(duration_ms, 2),
            key_id=scope.get("state", {}).get("key_id"),
            request_id=visit.request_id,
        )


def _too_large(most_bytes: int) -> Refused:
    return Refused("PAYLOAD_TOO_LARGE", f"The body has more than {most_bytes} bytes: send less")


def _places(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
