"""Requests that reach the embedded AWS at one moment: their last bytes leave together, over connections that stand already."""

import http.client
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_SETTLE_S = 0.002
"""For the server to have read all but the last bytes; if it has not, the race is weaker and the verdict the same."""


@dataclass(frozen=True)
class Shot:
    """A request as boto3 would send it; nothing verifies signatures here. Without a body, its head's end is held back."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def wire(self) -> bytes:
        scope = f"test/20260101/us-east-1/{self.service}/aws4_request"
        headers = {
            "Host": "127.0.0.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "X-Amz-Date": "20260101T000000Z",
            "Content-Length": str(len(self.body)),
            **self.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + self.body


@dataclass(frozen=True)
class Hit:
    """What came back."""

    status: int
    headers: Mapping[str, str]


class Volley:
    """A context manager that holds the connections; fires as many shots at once."""

    def __init__(self, port: int, size: int) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(size)]
        for each in self._sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._sockets:
            each.close()

    def fire(self, shots: Sequence[Shot]) -> list[Hit]:
        """Give the answers in the order of the shots."""
        wires = [shot.wire() for shot in shots]
        for each, wire in zip(self._sockets, wires, strict=True):
            each.sendall(wire[:-1])
        time.sleep(_SETTLE_S)
        for each, wire in zip(self._sockets, wires, strict=True):
            each.sendall(wire[-1:])
        return [_hit(each, shot.method) for each, shot in zip(self._sockets, shots, strict=True)]


def _hit(connection: socket.socket, method: str) -> Hit:
    with http.client.HTTPResponse(connection, method=method) as response:
        response.begin()
        response.read()
        return Hit(response.status, {name.lower(): value for name, value in response.getheaders()})
