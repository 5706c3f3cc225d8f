"""The gateway on memory adapters (`a_house`), over real HTTP: served by the server that `fraudstream serve` has."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread

import uvicorn

from producers.gateway.api_key import SCOPES, make_key
from producers.gateway.app import create_app
from producers.gateway.front import FrontSettings
from sinks.ledger.memory_api_keys import MemoryApiKeys
from tests.front_builders import PEPPER, House, a_house
from tests.pipeline_builders import NOW

PATIENCE_S = 30.0
PATIENT = FrontSettings(deadline_s=PATIENCE_S)
"""A busy machine is to answer in time."""
_PLENTY = 1_000_000


@dataclass(frozen=True, slots=True)
class Served:
    """A house at an address."""

    house: House
    url: str

    def key(
        self, *scopes: str, rate_per_s: float = _PLENTY, burst: int = _PLENTY, expires_at: datetime | None = None
    ) -> str:
        """Make a key, of all scopes unless some are given, and return its text."""
        made = make_key(
            PEPPER,
            name="a test",
            scopes=scopes or SCOPES,
            rate_per_s=rate_per_s,
            burst=burst,
            created_at=NOW - timedelta(days=1),
            expires_at=expires_at,
        )
        self._keys().add(made.kept)
        return made.shown

    def revoke(self, key: str) -> None:
        """Revoke a key by its text."""
        assert self._keys().revoke(key.split("_")[1], NOW)

    @contextmanager
    def undecided(self) -> Iterator[None]:
        """Decide nothing for a while, then what waits."""
        stream = self.house.stream
        stream.is_deciding = False
        try:
            yield
        finally:
            stream.is_deciding = True
            stream.decide()

    def _keys(self) -> MemoryApiKeys:
        return MemoryApiKeys(self.house.world.store)


@contextmanager
def served(settings: FrontSettings = PATIENT) -> Iterator[Served]:
    """Give a gateway that listens on a free port of this machine; its clock stands at NOW."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        host = _Host(settings)
        thread = Thread(target=asyncio.run, args=(host.serve(listening),), daemon=True)
        thread.start()
        assert host.is_ready.wait(PATIENCE_S)
        try:
            yield Served(host.house, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            host.server.should_exit = True
            thread.join(PATIENCE_S)


class _Host:
    """A house and its server, in an event loop of their own."""

    house: House
    server: uvicorn.Server

    def __init__(self, settings: FrontSettings) -> None:
        self._settings, self.is_ready = settings, Event()

    async def serve(self, listening: socket.socket) -> None:
        """Serve until the server is told to exit; what was begun is answered."""
        async with a_house(settings=self._settings) as self.house:
            self.server = _Server(self.house, self.is_ready)
            await self.server.serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, house: House, ready: Event) -> None:
        super().__init__(_config(house))
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._ready.set()


def _config(house: House) -> uvicorn.Config:
    """As `fraudstream serve` has it."""
    return uvicorn.Config(
        create_app(house.front),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
