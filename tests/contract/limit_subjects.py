"""What the contract suite of rate limits tries: a process' own, and those in a real Valkey (or Redis) on a socket of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from producers.gateway.limits import MemoryLimits, RateLimits
from producers.gateway.valkey_limits import ValkeyLimits

_PATIENCE_S = 30


class LimitSubject(NamedTuple):
    """`new_limits` is called inside an event loop; in Valkey each is another gateway's."""

    new_limits: Callable[[], RateLimits]


class ValkeyServer:
    """A server process in a folder of its own, listening on a Unix socket, that a test may stop, freeze and start again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._folder / 'socket'}"

    def start(self) -> Self:
        socket_path = self._folder / "socket"
        arguments = ("--port", "0", "--unixsocket", str(socket_path), "--save", "", "--dir", str(self._folder))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen((self._program, *arguments), stdout=log, stderr=log)
        give_up_s = time.monotonic() + _PATIENCE_S
        while not _answers(socket_path):
            if time.monotonic() > give_up_s or self._process.poll() is not None:
                raise RuntimeError(f"{self._program} did not start: {(self._folder / 'log').read_text()[-2_000:]}")
            time.sleep(0.01)
        return self

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None
            (self._folder / "socket").unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        client.sendall(b"PING\r\n")
        return client.recv(100).startswith(b"+PONG")


@contextmanager
def valkey_server() -> Iterator[ValkeyServer]:
    """Yield a running server; skips the test where this machine has none."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip(
            "NOT TESTED: limits that gateways share. Neither valkey-server nor redis-server is on PATH: "
            "install either (Debian: apt-get install valkey-server, or redis-server)"
        )
    with tempfile.TemporaryDirectory(prefix="fraudstream-valkey-") as folder:
        server = ValkeyServer(program, Path(folder)).start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def memory_subject() -> Iterator[LimitSubject]:
    yield LimitSubject(MemoryLimits)


@contextmanager
def valkey_subject() -> Iterator[LimitSubject]:
    with valkey_server() as server:
        yield LimitSubject(lambda: patient_limits(server))


def patient_limits(server: ValkeyServer) -> ValkeyLimits:
    """Return limits that wait for a server on a busy machine, and never count by themselves."""
    return ValkeyLimits.at(server.url, Unreachable(), timeout_s=_PATIENCE_S)


class Unreachable:
    """A fallback that no test of the contract may need: it would pass them itself."""

    reach = "nobody"

    async def take(self, key_id: str, rate_per_s: float, burst: int, cost: int = 1) -> float:
        await asyncio.sleep(0)
        raise AssertionError(f"Valkey did not answer: {key_id} {rate_per_s} {burst} {cost}")

    async def close(self) -> None:
        """Nothing is open."""


SUBJECTS = {"memory": memory_subject, "valkey": valkey_subject}
