"""The ASGI application: one port, and each request to the endpoint of its service."""

from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from infra.local.aws.http import receive_request, send_response
from infra.local.aws.kinesis_endpoint import TARGET_PREFIX, KinesisEndpoint
from infra.local.aws.moto_endpoint import MotoEndpoint


class EmbeddedAws:
    """Kinesis runs in the event loop, so that its state needs no lock; the others run in threads."""

    def __init__(self) -> None:
        self.kinesis = KinesisEndpoint()
        self.moto = MotoEndpoint()

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await _follow_lifespan(receive, send)
        elif scope["type"] == "http":
            request = await receive_request(scope, receive)
            is_kinesis = request.target.startswith(TARGET_PREFIX)
            response = self.kinesis.answer(request) if is_kinesis else await self.moto.answer(request)
            await send_response(response, send)


async def _follow_lifespan(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while True:
        message = await receive()
        complete: Any = {"type": f"{message['type']}.complete"}
        await send(complete)
        if message["type"] == "lifespan.shutdown":
            return
