"""Closing a client's connection without an answer, which ASGI has no message for."""

import os
import socket
from contextlib import suppress
from pathlib import Path


def hang_up(peer: tuple[str, int | None] | None) -> None:
    """Close the connection of this process to ``peer``, both ways. Whatever else goes on over it ends too.

    The server that owns the connection reads its end, as if the client had gone, and tidies up.
    """
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):  # closed meanwhile, or a socket without a peer
            if str(descriptor.readlink()).startswith("socket:"):
                _shut_down(int(descriptor.name), peer)


def _shut_down(descriptor: int, peer: tuple[str, int | None] | None) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        if duplicate.getpeername() == peer:
            duplicate.shutdown(socket.SHUT_RDWR)
