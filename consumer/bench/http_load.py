"""HTTP requests at a rate, in an open loop: each is sent when it is due, whatever became of those before it, and counts from then.

A small client of our own, because on two cores a full one would cost more than the gateway that it measures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

NO_ANSWER = 0
"""The status of a request that was not answered: refused, cut off, or too late."""
_PATIENCE_S = 30.0
_MOST_CONNECTIONS = 1_000


class Shot(NamedTuple):
    """A request by its number and what became of it; moments in seconds since 1970, `due_s` by the schedule."""

    number: int
    due_s: float
    answered_s: float
    status: int
    body: bytes

    @property
    def latency_ms(self) -> float:
        """From the moment when it was due."""
        return (self.answered_s - self.due_s) * 1000


def post(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a request, ready to send."""
    given = {"Host": "gateway", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def fire(
    address: tuple[str, int], requests: Sequence[bytes], rate: float, on_shot: Callable[[Shot], None] = lambda _: None
) -> list[Shot]:
    """Send request n when n / rate seconds have passed, and return what became of each, in their order. Never raises for one."""
    return asyncio.run(_fire(address, requests, rate, on_shot))


async def _fire(
    address: tuple[str, int], requests: Sequence[bytes], rate: float, on_shot: Callable[[Shot], None]
) -> list[Shot]:
    pool, start_s, tasks = _Pool(address), time.time(), []

    async def send(number: int, due_s: float) -> Shot:
        status, body = await pool.ask(requests[number])
        shot = Shot(number, due_s, time.time(), status, body)
        on_shot(shot)
        return shot

    for number in range(len(requests)):
        due_s = start_s + number / rate
        if (early_s := due_s - time.time()) > 0:
            await asyncio.sleep(early_s)
        tasks.append(asyncio.create_task(send(number, due_s)))
    shots = await asyncio.gather(*tasks)
    pool.close()
    return list(shots)


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _Pool:
    """Connections that are kept; a new one where none is free. A request is never sent twice: it may have been taken."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address, self._free = address, list[_Connection]()
        self._places = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return status and body."""
        try:
            async with asyncio.timeout(_PATIENCE_S), self._connection() as connection:
                connection.writer.write(request)
                return await _answer(connection)
        except (OSError, TimeoutError, EOFError, ValueError, KeyError) as error:
            return NO_ANSWER, f"{type(error).__name__}: {error}".encode()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        """Lend a connection; it is kept where all went well."""
        async with self._places:
            connection = self._kept() or _Connection(*await asyncio.open_connection(*self._address))
            try:
                yield connection
            except BaseException:
                connection.writer.close()
                raise
            self._free.append(connection)

    def _kept(self) -> _Connection | None:
        while self._free:
            connection = self._free.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.writer.close()
        return None

    def close(self) -> None:
        """Close what is free."""
        for connection in self._free:
            connection.writer.close()


async def _answer(connection: _Connection) -> tuple[int, bytes]:
    """Read one answer, which has a length. Raises EOFError where it ends before, ValueError or KeyError where it is none."""
    head = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    body = await connection.reader.readexactly(int(headers["content-length"]))
    if headers.get("connection") == "close":
        connection.writer.close()
    return status, body
