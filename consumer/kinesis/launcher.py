"""What the daemon starts for each shard: hands its three pipes to the host, then waits for the worker's exit code.

Standard library only and nothing of ours: it starts in 20 ms and stays at 4 MB. It keeps no copy of the pipes, so that the
daemon sees the end of a worker at once. Usage: launcher.py SOCKET
"""

import array
import contextlib
import os
import signal
import socket
import sys
import time

NO_HOST = 69
NO_CODE = 70
_CONNECT_TRIES = 50
_CONNECT_PAUSE_S = 0.1


def connect(path: str) -> socket.socket | None:
    """Return a connection to the host, or None where it does not listen within five seconds."""
    for _ in range(_CONNECT_TRIES):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            time.sleep(_CONNECT_PAUSE_S)
    return None


def hand_over(connection: socket.socket) -> None:
    """Send stdin, stdout and stderr to the host and put /dev/null in their place."""
    connection.sendmsg([b"1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)


def wait_for_code(connection: socket.socket) -> int:
    """Return the exit code that the worker sends as one byte; NO_CODE where the connection ends without it."""
    with contextlib.suppress(OSError):
        if code := connection.recv(1):
            return code[0]
    return NO_CODE


def main() -> int:
    """Run one launcher. Stop signals are the daemon's business: a Ctrl-C must not cut a shard off in mid-checkpoint."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    connection = connect(sys.argv[1])
    if connection is None:
        return NO_HOST
    hand_over(connection)
    return wait_for_code(connection)


if __name__ == "__main__":
    os._exit(main())
