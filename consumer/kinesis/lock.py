"""One daemon a worker id: a lock file that the host takes and Java inherits, so that it is held while either of them lives."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_PAUSE_S = 0.1


class WorkerIdInUseError(RuntimeError):
    """Another host, or the daemon of one that died, still runs under this worker id."""


class WorkerIdLock:
    """Holds `<state_dir>/<worker id>.lock`. Two live daemons under one worker id would both believe in the same leases."""

    def __init__(self, state_dir: Path, worker_id: str, wait_s: float = 10.0) -> None:
        """Take the lock. Waits `wait_s` for the last holder to end, then raises WorkerIdInUseError."""
        self.path = state_dir / f"{worker_id}.lock"
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(time.monotonic() + wait_s)
        except BaseException:
            os.close(self.fd)
            raise
        os.truncate(self.fd, 0)
        os.write(self.fd, f"{os.getpid()}\n".encode())

    def _take(self, deadline_s: float) -> None:
        while True:
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline_s:
                    raise self._in_use() from None
                time.sleep(_PAUSE_S)

    def _in_use(self) -> WorkerIdInUseError:
        holder = self.path.read_text().strip() or "unknown"
        return WorkerIdInUseError(
            f"{self.path} is held: the host with pid {holder}, or its Java daemon, still runs under this worker id. Stop it, or "
            "give this one another state directory and worker id"
        )

    def close(self) -> None:
        """Close this copy; the lock is free when every process that inherited it has closed its own."""
        os.close(self.fd)
