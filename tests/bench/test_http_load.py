from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise

from consumer.bench.http_load import NO_ANSWER, fire, post

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def a_server(handle: Handler) -> Iterator[tuple[str, int]]:
    """Serve in a thread of its own while the context lasts."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(EOFError):
                await handle(reader, writer)
        finally:
            writer.close()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(served, "127.0.0.1", 0), loop).result(10)
    try:
        yield server.sockets[0].getsockname()
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)  # transports say goodbye


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await reader.readexactly(length)


def requests(number: int) -> list[bytes]:
    return [post("/somewhere", {"X-Number": str(n)}, b'{"number": %d}' % n) for n in range(number)]


def test_no_request_waits_for_the_answer_to_another() -> None:
    number, arrived, all_there = 20, [0], asyncio.Event()

    async def answer_when_all_are_there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        arrived[0] += 1
        if arrived[0] == number:
            all_there.set()
        await all_there.wait()
        writer.write(OK)

    with a_server(answer_when_all_are_there) as address:
        shots = fire(address, requests(number), 500)
    assert [(shot.number, shot.status, shot.body) for shot in shots] == [(n, 200, b"ok") for n in range(number)]


def test_a_connection_is_used_again_and_each_answer_is_its_requests() -> None:
    connections = [0]

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections[0] += 1
        while True:
            body = await _read_request(reader)
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with a_server(echo) as address:
        shots = fire(address, requests(10), 50)
    assert [shot.body for shot in shots] == [b'{"number": %d}' % n for n in range(10)]
    assert connections[0] < 10


def test_a_request_that_is_cut_off_is_told_and_not_sent_again() -> None:
    arrived = [0]

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        arrived[0] += 1
        writer.close()

    with a_server(hang_up) as address:
        shots = fire(address, requests(3), 100)
    assert [shot.status for shot in shots] == [NO_ANSWER] * 3
    assert arrived[0] == 3


def test_latency_counts_from_when_a_request_was_due() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(OK)

    with a_server(answer) as address:
        shots = fire(address, requests(4), 100)
    gaps = [round(later.due_s - earlier.due_s, 6) for earlier, later in pairwise(shots)]
    assert gaps == [0.01] * 3
    assert all(shot.latency_ms == (shot.answered_s - shot.due_s) * 1000 > 0 for shot in shots)
