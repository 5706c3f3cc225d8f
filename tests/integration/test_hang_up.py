"""Hanging up on a client, in the process that serves it: one connection ends, and no descriptor is left behind."""

from __future__ import annotations

import socket
from pathlib import Path

from infra.local.aws.hang_up import hang_up


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_hanging_up_ends_the_one_connection_and_keeps_no_descriptor() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as struck,
        socket.create_connection(listener.getsockname()) as other,
    ):
        served = [listener.accept()[0] for _ in range(2)]
        before = _open_descriptors()

        hang_up(struck.getsockname())

        assert struck.recv(1) == b""
        served[1].sendall(b"x")
        assert other.recv(1) == b"x"
        assert _open_descriptors() == before
        for connection in served:
            connection.close()
