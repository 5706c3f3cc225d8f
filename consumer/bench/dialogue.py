"""The daemon's side of the multilang protocol over real pipes: says lines, answers checkpoints, measures each answer."""

from __future__ import annotations

import os
import select
import time

import msgspec

_PATIENCE_S = 120.0
_CHUNK_BYTES = 1 << 16
_CHECKPOINT = b'{"action":"checkpoint"'


class WorkerSilent(Exception):
    """The worker ended, or says nothing: its log tells why."""


class Dialogue:
    """Writes to a worker's stdin and reads its stdout; owns both descriptors. Raises WorkerSilent, never waits longer than two minutes."""

    def __init__(self, to_worker_fd: int, from_worker_fd: int) -> None:
        self._to_worker_fd, self._from_worker_fd = to_worker_fd, from_worker_fd
        self._open: tuple[int, ...] = (to_worker_fd, from_worker_fd)
        self._heard = b""
        self.checkpoints = 0

    def say(self, line: bytes) -> float:
        """Write a line (its end included), answer checkpoint requests until it is acknowledged, return the seconds that took."""
        start_s = time.perf_counter()
        self._write(line)
        while (answer := self._read_line()).startswith(_CHECKPOINT):
            self._write(_granted(answer))
            self.checkpoints += 1
        return time.perf_counter() - start_s

    def hang_up(self) -> None:
        """Close both ends, as the daemon does when the shard is over; a second call does nothing."""
        for fd in self._open:
            os.close(fd)
        self._open = ()

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._to_worker_fd, rest) :]
        except BrokenPipeError as error:
            raise WorkerSilent("the worker closed its pipe") from error

    def _read_line(self) -> bytes:
        while b"\n" not in self._heard:
            if not select.select([self._from_worker_fd], [], [], _PATIENCE_S)[0]:
                raise WorkerSilent(f"the worker said nothing for {_PATIENCE_S:.0f} s")
            chunk = os.read(self._from_worker_fd, _CHUNK_BYTES)
            if not chunk:
                raise WorkerSilent("the worker ended")
            self._heard += chunk
        line, _, self._heard = self._heard.partition(b"\n")
        return line


def _granted(request: bytes) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(request), "error": None}) + b"\n"
