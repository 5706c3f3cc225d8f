"""A TCP proxy before PostgreSQL that can swallow the answer to a COMMIT, and cut every line."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_BUFFER_BYTES = 65_536


class SeveringProxy:
    """Listens on a free port of 127.0.0.1; `dsn` leads through it."""

    def __init__(self, dsn: str) -> None:
        parts = conninfo_to_dict(dsn)
        self._server = (str(parts["host"]), int(str(parts["port"])))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._listener.getsockname()[1])
        self._loses_answer = Event()
        self.answers_lost = 0
        self._lines: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._start(self._accept)

    def lose_next_answer(self) -> None:
        """Let the next COMMIT through, and cut the line when the server has answered."""
        self._loses_answer.set()

    def cut(self) -> None:
        """Cut every line; new ones may be made."""
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _start(self, run: object, *arguments: object) -> None:
        assert callable(run)
        thread = Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._lines += [client, server]
                self._start(self._serve, client, server)

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        committing = Event()
        back = Thread(target=self._pass_back, args=(server, client, committing), daemon=True)
        back.start()
        with client, server, suppress(OSError):
            while data := client.recv(_BUFFER_BYTES):
                if self._loses_answer.is_set() and b"COMMIT" in data:
                    committing.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
        back.join()

    def _pass_back(self, server: socket.socket, client: socket.socket, committing: Event) -> None:
        with suppress(OSError):
            while data := server.recv(_BUFFER_BYTES):
                if committing.is_set():
                    self.answers_lost += 1
                    self._loses_answer.clear()
                    break
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
