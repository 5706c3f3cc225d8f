"""The two pipes of one shard and the launcher's connection, as the worker sees them: whole lines in, whole lines out."""

from __future__ import annotations

import fcntl
import os
import select
import socket
from contextlib import suppress

from consumer.kinesis.port import Heartbeat
from consumer.kinesis.protocol import LineFramer

_CHUNK_BYTES = 1 << 20
_BEAT_EVERY_S = 1.0


class LauncherGone(Exception):
    """The launcher ended: the daemon counts this shard's child as dead, so nobody waits for our answer."""


class DaemonGone(Exception):
    """The daemon closed its pipe while we owed it an answer or waited for one."""


class DaemonPipe:
    """Reads and writes lines on file descriptors that it owns. Beats every second while it waits."""

    def __init__(self, stdin_fd: int, stdout_fd: int, launcher: socket.socket, heartbeat: Heartbeat) -> None:
        self._stdin_fd, self._stdout_fd, self._launcher = stdin_fd, stdout_fd, launcher
        self._heartbeat = heartbeat
        self._framer = LineFramer()
        _enlarge(stdin_fd)

    def read_line(self) -> bytes | None:
        """Return the next line, None at the end of the stream. Raises LauncherGone."""
        while (line := self._framer.next_line()) is None:
            self._wait()
            chunk = os.read(self._stdin_fd, _CHUNK_BYTES)
            if not chunk:
                return None
            self._framer.feed(chunk)
        return line

    def _wait(self) -> None:
        launcher_fd = self._launcher.fileno()
        while True:
            ready, _, _ = select.select([self._stdin_fd, launcher_fd], [], [], _BEAT_EVERY_S)
            if launcher_fd in ready:  # it never sends: readable means closed
                raise LauncherGone
            if ready:
                return
            self._heartbeat.beat()

    def write(self, line: bytes) -> None:
        """Write all of `line`. Raises DaemonGone."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._stdout_fd, rest) :]
        except BrokenPipeError as error:
            raise DaemonGone from error

    def pause(self, seconds: float) -> None:
        """Sleep, with heartbeats. Raises LauncherGone as soon as the launcher ends."""
        while seconds > 0:
            step_s = min(seconds, _BEAT_EVERY_S)
            if select.select([self._launcher], [], [], step_s)[0]:
                raise LauncherGone
            self._heartbeat.beat()
            seconds -= step_s


def _enlarge(fd: int) -> None:
    """A batch in one read instead of sixteen. Refused where the user has used up its share of pipe memory: then it is slower."""
    with suppress(OSError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
