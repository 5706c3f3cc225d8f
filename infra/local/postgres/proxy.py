"""A TCP proxy before PostgreSQL that fails as networks do: cuts lines, loses the answer to a COMMIT, falls silent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_BUFFER_BYTES = 65_536
_COMMIT = b"COMMIT"

Trap = Literal["before", "after"]
"""Where a COMMIT is cut off: before the server has seen it, or after the server has carried it out."""


class PostgresProxy:
    """Listens on a free port of 127.0.0.1; `dsn` leads through it. Its threads end with `close`.

    A trap is sprung once, by the next COMMIT of a client whose start-up packet names `application` (empty: of any client).
    """

    def __init__(self, dsn: str) -> None:
        parts = conninfo_to_dict(dsn)
        self._server = (str(parts["host"]), int(str(parts["port"])))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._listener.getsockname()[1])
        self.answers_lost = self.commits_cut = self.bytes_held = 0
        self._traps: dict[Trap, bytes] = {}
        self._lock = Lock()
        self._flows = Event()
        self._flows.set()
        self._lines: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._start(self._accept)

    def lose_next_answer(self, application: str = "") -> None:
        """Let the next COMMIT through, and cut the line when the server has answered: it landed, and nobody knows."""
        self._traps["after"] = application.encode()

    def cut_next_commit(self, application: str = "") -> None:
        """Cut the line when the next COMMIT comes, before the server sees it: it did not land, and nobody knows."""
        self._traps["before"] = application.encode()

    def fall_silent(self) -> None:
        """Hold back every byte in both directions, on new lines too; nothing is closed."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass on what was held back."""
        self._flows.set()

    def cut(self) -> None:
        """Cut every line; new ones may be made."""
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut everything and stop listening."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.resume()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        self._flows.wait()
        with client, suppress(OSError), socket.create_connection(self._server) as server:
            self._lines += [client, server]
            line = _Line(self, client, server)
            back = Thread(target=line.pass_back, daemon=True)
            back.start()
            line.pass_on()
            back.join()

    def take(self, trap: Trap, data: bytes, opening: bytes) -> bool:
        """Whether `data`, on a line that opened with `opening`, springs this trap; then it is gone."""
        with self._lock:
            if _COMMIT not in data or trap not in self._traps or self._traps[trap] not in opening:
                return False
            del self._traps[trap]
            return True

    def hold(self, data: bytes) -> None:
        """Wait while the proxy is silent."""
        if not self._flows.is_set():
            self.bytes_held += len(data)
            self._flows.wait()


class _Line:
    """One client and its connection to the server."""

    def __init__(self, proxy: PostgresProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._opening = b""
        self._loses_answer = Event()

    def pass_on(self) -> None:
        """Pass on what the client says, until it or a trap ends the line."""
        with suppress(OSError):
            while data := self._client.recv(_BUFFER_BYTES):
                self._opening = (self._opening + data)[:1024]
                if self._proxy.take("before", data, self._opening):
                    self._proxy.commits_cut += 1
                    break
                if self._proxy.take("after", data, self._opening):
                    self._loses_answer.set()
                self._proxy.hold(data)
                self._server.sendall(data)
        _shut(self._server)

    def pass_back(self) -> None:
        """Pass back what the server says, until it ends or its answer is to be lost."""
        with suppress(OSError):
            while data := self._server.recv(_BUFFER_BYTES):
                if self._loses_answer.is_set():
                    self._proxy.answers_lost += 1
                    break
                self._proxy.hold(data)
                self._client.sendall(data)
        _shut(self._client)


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
