"""Where launchers knock: a Unix socket in a private directory. One a daemon generation, so that no launcher of a dead daemon is let in."""

from __future__ import annotations

import array
import os
import shlex
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from consumer.kinesis import launcher

_LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux; leave room for the generation
_HANDSHAKE_TIMEOUT_S = 5.0
_PIPES = 3


class Arrival(NamedTuple):
    """A launcher's three pipes and its connection. Whoever holds it closes all four."""

    stdin_fd: int
    stdout_fd: int
    stderr_fd: int
    connection: socket.socket

    def close_pipes(self) -> None:
        """Close the pipes, so that the daemon sees their end."""
        for fd in (self.stdin_fd, self.stdout_fd, self.stderr_fd):
            os.close(fd)

    def close(self) -> None:
        """Close everything. The host must do so right after the fork: a kept pipe hangs the shard of a killed worker."""
        self.close_pipes()
        self.connection.close()


def make_runtime_directory() -> Path:
    """Create a directory (0700) for the socket whose path is short and holds no blank: the daemon splits commands on blanks."""
    parent = tempfile.gettempdir()
    if any(character.isspace() for character in parent) or len(parent) > _LONGEST_SOCKET_PATH - 40:
        parent = "/tmp"  # noqa: S108 - mkdtemp makes a private directory in it
    return Path(tempfile.mkdtemp(prefix="fraudstream-", dir=parent))


class LauncherGate:
    """Listens for launchers. `executable` is what the daemon must start for each shard."""

    def __init__(self, directory: Path, generation: int) -> None:
        self._path = directory / f"gate-{generation}"
        self._script = directory / "launch"
        _write_script(self._script)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self._path))
        self._path.chmod(0o600)
        self.listener.listen(128)
        self.listener.setblocking(False)

    @property
    def executable(self) -> str:
        """The daemon's `executableName`. A script stands between, because paths of Python may hold blanks and it may not."""
        return f"/bin/sh {self._script} {self._path}"

    def accept(self) -> Arrival | None:
        """Return the next launcher's pipes; None where it went away or sent something else."""
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return None
        connection.settimeout(_HANDSHAKE_TIMEOUT_S)
        fds = _receive_pipes(connection)
        if len(fds) != _PIPES:
            _close_all(fds)
            connection.close()
            return None
        connection.settimeout(None)
        return Arrival(fds[0], fds[1], fds[2], connection)

    def close(self) -> None:
        """Stop listening. Launchers that wait get the end of their connection and exit."""
        self.listener.close()
        self._path.unlink(missing_ok=True)


def _write_script(path: Path) -> None:
    command = shlex.join([sys.executable, "-IS", str(Path(launcher.__file__).resolve())])
    path.write_text(f'exec {command} "$1"\n')
    path.chmod(0o600)


def _receive_pipes(connection: socket.socket) -> list[int]:
    room = socket.CMSG_SPACE(_PIPES * array.array("i").itemsize)
    try:
        _, ancillary, _, _ = connection.recvmsg(16, room, socket.MSG_CMSG_CLOEXEC)
    except OSError:
        return []
    fds = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return list(fds)


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        with suppress(OSError):
            os.close(fd)
