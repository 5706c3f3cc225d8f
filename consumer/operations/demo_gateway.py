"""The gateway in the demo: a real one with a key, the curl that asks it, and a probe that asks a few times a second and keeps time."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from consumer.bench.http_load import Shot, fire, post
from consumer.chaos.gateway_requests import request_of
from consumer.chaos.waiting import WaitedInVainError
from consumer.operations.demo_source import EventSource
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

if TYPE_CHECKING:
    from consumer.chaos.gateway import GatewayProcess

PATH = "/api/v1/classify"
_PACKAGES = ("fastapi", "httptools", "uvicorn", "uvloop", "valkey")
_STANDARD_PORT = 8080
_KEY_RATE = 1_000.0
_ASKED_A_SECOND = 5


class Door:
    """The demo's gateway; without the packages it takes, there is none, and that is told. Nothing of it outlives the context."""

    def __init__(self, state_dir: Path, database_url: str, pepper: str) -> None:
        self._gateway = _gateway(state_dir, database_url, pepper) if all(map(find_spec, _PACKAGES)) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._gateway is not None:
            self._gateway.kill()

    def open(self) -> Iterator[str]:
        """Start it and yield what to tell, a curl that works behind the first line. Raises OSError where it does not start."""
        if self._gateway is None:
            yield "no gateway: its packages are missing (pip install 'fraudstream[gateway]')"
            return
        try:
            self._gateway.start()
        except WaitedInVainError as error:
            raise OSError(str(error)) from None
        yield f"gateway started ({self._gateway.url}/docs describes it); in another terminal:"
        yield from curl(self._gateway)

    def close(self) -> bool:
        """Let it answer what waits, and end; whether it ended as it should."""
        return self._gateway is None or self._gateway.stop() == 0

    def probed(self, source: EventSource) -> Probed:
        """Return the source with a probe of this gateway beside it."""
        return Probed(source, self._gateway)


def _gateway(state_dir: Path, database_url: str, pepper: str) -> GatewayProcess:
    from consumer.chaos.gateway import GatewayProcess, add_key
    from infra.local.ports import preferred_port

    key = add_key(database_url, "demo", rate_per_s=_KEY_RATE, pepper=pepper)
    return GatewayProcess(state_dir, {"FRAUDSTREAM_API_KEY_PEPPER": pepper}, key, preferred_port(_STANDARD_PORT))


def curl(gateway: GatewayProcess) -> Iterator[str]:
    """Yield the lines of a command that asks for a decision. The id is left out: each call is another transaction."""
    body = msgspec.json.encode(_example()).decode()
    yield f"  curl -s {gateway.url}{PATH} \\"
    yield f"    -H 'X-API-Key: {gateway.key}' -H 'Content-Type: application/json' \\"
    yield f"    -d {shlex.quote(body)}"


def _example() -> dict[str, Any]:
    return {
        "amount": 149.99,
        "hour": 14,
        "day_of_week": 2,
        "merchant_category": "electronics",
        "location": {"country": "US", "state": "CA", "city": "San Francisco", "latitude": 37.77, "longitude": -122.42},
        "device_info": {"device_type": "mobile", "ip_address": "192.0.2.1"},
        "user_id": "user-000042",
        "previous_transactions_count": 47,
    }


class Probed:
    """The events of a source, and those that a probe asks a gateway for as long as the source publishes, counted together."""

    def __init__(self, source: EventSource, gateway: GatewayProcess | None) -> None:
        self._source, self._gateway = source, gateway
        self.description = source.description
        self._shots: list[Shot] = []
        self._thread: threading.Thread | None = None

    @property
    def published(self) -> int:
        """How many records are in the stream."""
        return self._source.published + sum(
            shot.status in {HTTPStatus.OK, HTTPStatus.ACCEPTED} for shot in [*self._shots]
        )

    @property
    def is_complete(self) -> bool:
        """Whether all went as it should."""
        return self._source.is_complete

    def start(self) -> None:
        """Begin to publish."""
        self._source.start()

    def is_running(self) -> bool:
        """Whether it still publishes."""
        return self._source.is_running()

    def join(self) -> None:
        """Wait for the end, of the probe too; raises what stopped it."""
        self._source.join()
        if self._thread is not None:
            self._thread.join()

    def begin_probe(self) -> None:
        """Ask from now on, five times a second: not before anything is decided, as a start is not what is to be timed."""
        if self._gateway is not None:
            self._thread = threading.Thread(target=self._ask, args=(self._gateway,), daemon=True)
            self._thread.start()

    def summary(self, stream_ms: Callable[[datetime], tuple[float, float] | None]) -> Iterator[str]:
        """Yield the gateway's latency beside the stream's, which `stream_ms` tells (p50, p99) of what was scored since a moment.

        Of the stream counts what came after the gateway's first answer: what had waited for the consumer's start is no latency.
        """
        decided = [shot for shot in self._shots if shot.status == HTTPStatus.OK]
        if not decided:
            return
        stream = stream_ms(datetime.fromtimestamp(decided[0].answered_s, UTC))
        shown = f"stream, put → scored, p50 {stream[0]:.0f} ms, p99 {stream[1]:.0f} ms; " if stream else ""
        p50_ms, p99_ms = np.quantile([shot.latency_ms for shot in decided], (0.5, 0.99), method="higher")
        asked = f"{len(decided)} of {len(self._shots)} requests decided in time"
        yield f"latency: {shown}gateway, request → decision, p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms ({asked})"

    def _ask(self, gateway: GatewayProcess) -> None:
        run_id, headers = f"gateway-{datetime.now(UTC):%Y%m%dT%H%M%S}", {"X-API-Key": gateway.key}
        events = simulate(SimulationSettings(run_id=run_id), clock=lambda: datetime.now(UTC))
        while True:
            bodies = [msgspec.json.encode(request_of(next(events).event)) for _ in range(_ASKED_A_SECOND)]
            self._shots += fire(gateway.address, [post(PATH, headers, body) for body in bodies], _ASKED_A_SECOND)
            if not self._source.is_running():
                return
