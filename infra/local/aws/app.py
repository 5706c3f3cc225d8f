"""The ASGI application: one port, and each request to the endpoint of its service."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from infra.local.aws.fault_endpoint import FAULTS_PATH, TRIM_PATH, FaultEndpoint
from infra.local.aws.hang_up import hang_up
from infra.local.aws.http import (
    ClientGone,
    HttpAnswer,
    HttpRequest,
    HttpResponse,
    HttpStream,
    answer,
    receive_request,
    send_response,
    send_stream,
)
from infra.local.aws.kinesis_endpoint import TARGET_PREFIX, KinesisEndpoint
from infra.local.aws.moto_endpoint import MotoEndpoint


class EmbeddedAws:
    """Kinesis runs in the event loop, so that its state needs no lock; the others run in threads."""

    def __init__(self) -> None:
        self.kinesis = KinesisEndpoint()
        self.moto = MotoEndpoint()
        self.faults = FaultEndpoint()

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await _follow_lifespan(receive, send)
        elif scope["type"] == "http":
            with suppress(ClientGone):
                await self._serve(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        response = await self._answer(await receive_request(scope, receive))
        if response is None:
            hang_up(scope["client"])
        elif isinstance(response, HttpStream):
            await send_stream(response, receive, send)
        else:
            await send_response(response, send)

    async def _answer(self, request: HttpRequest) -> HttpAnswer | None:
        if request.path.startswith(FAULTS_PATH):
            return self.faults.control(request)
        if request.path.startswith(TRIM_PATH):
            return self._trim(request)
        return await self.faults.answer(request, self._carry_out)

    def _trim(self, request: HttpRequest) -> HttpResponse:
        stream_name, _, before_ms = request.path.removeprefix(TRIM_PATH).partition("/")
        is_done = before_ms.isdecimal() and self.kinesis.trim(stream_name, int(before_ms))
        return answer(HTTPStatus.NO_CONTENT if is_done else HTTPStatus.BAD_REQUEST, "text/plain", b"no such stream")

    async def _carry_out(self, request: HttpRequest) -> HttpAnswer:
        is_kinesis = request.target.startswith(TARGET_PREFIX)
        return self.kinesis.answer(request) if is_kinesis else await self.moto.answer(request)


async def _follow_lifespan(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while True:
        message = await receive()
        complete: Any = {"type": f"{message['type']}.complete"}
        await send(complete)
        if message["type"] == "lifespan.shutdown":
            return
