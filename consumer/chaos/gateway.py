"""One gateway as its orchestrator sees it: a process of `fraudstream serve` on a port of its own, with a key to call it by."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any, NamedTuple

import msgspec

from consumer.chaos.waiting import PATIENCE_S, WaitedInVainError, wait_until
from infra.local.ports import HOST, free_port
from infra.local.tether import tethered
from producers.gateway.api_key import SCOPES, make_key
from sinks.ledger.api_keys import PostgresApiKeys

PEPPER = "pepper-of-local-gateways"
_COMMAND = "from consumer.cli import main; main()"
_TAIL_CHARACTERS = 3000
_ANSWER_S = 30.0


class Answer(NamedTuple):
    """What a gateway answered; header names in small letters, `body` as JSON has it."""

    status: int
    headers: Mapping[str, str]
    body: Any


class GatewayProcess:
    """Started, stopped, killed. Started again it listens on the same port."""

    def __init__(self, folder: Path, variables: Mapping[str, str], key: str, port: int | None = None) -> None:
        """`key` is what its own requests carry."""
        self.port, self.key = port or free_port(), key
        self._log = folder / f"gateway-{self.port}.log"
        self._variables = {
            "FRAUDSTREAM_API_KEY_PEPPER": PEPPER,
            **variables,
            "FRAUDSTREAM_GATEWAY_HOST": HOST,
            "FRAUDSTREAM_GATEWAY_PORT": str(self.port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return HOST, self.port

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Its pid, also when it has ended."""
        if self.process is None:
            raise RuntimeError("the gateway was never started")
        return self.process.pid

    def log(self) -> str:
        """What it wrote to stdout and stderr."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it, and wait until it listens; it dies with the thread that started it. Raises WaitedInVainError."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                tethered([sys.executable, "-c", _COMMAND, "serve"], death_signal=SIGKILL),
                env={**os.environ, **self._variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._has_started, f"the gateway on port {self.port} to listen; see {self._log}")

    def stop(self, patience_s: float = PATIENCE_S) -> int:
        """Send SIGTERM and return the exit code. Raises WaitedInVainError."""
        if self.process is None:
            return 0
        self.process.send_signal(SIGTERM)
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise WaitedInVainError(f"the gateway did not stop within {patience_s:.0f} s: {self.tail()}") from None

    def kill(self) -> None:
        """End it as a failing machine would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def tail(self) -> str:
        """The last of what it wrote."""
        return self.log()[-_TAIL_CHARACTERS:]

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> Answer:
        """Ask once, on a connection of its own; `body` is sent as JSON. Raises OSError where nobody answers."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_ANSWER_S)
        headers = {"X-API-Key": key or self.key, "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
            response = connection.getresponse()
            given, text = {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()
        is_json = given.get("content-type", "").startswith("application/json")
        return Answer(response.status, given, msgspec.json.decode(text) if is_json and text else text)

    def _has_started(self) -> bool:
        if self.process is not None and (code := self.process.poll()) is not None:
            raise WaitedInVainError(f"the gateway ended with {code}: {self.tail()}")
        try:
            return self.ask("GET", "/health").status == http.client.OK
        except OSError:
            return False


def add_key(database_url: str, name: str, *, rate_per_s: float = 10_000.0, pepper: str = PEPPER) -> str:
    """Make a key of every scope in a ledger that is migrated, and return the text that a client sends."""
    made = make_key(
        pepper.encode(),
        name=name,
        scopes=SCOPES,
        rate_per_s=rate_per_s,
        burst=int(rate_per_s),
        created_at=datetime.now(UTC),
    )
    keys = PostgresApiKeys(database_url)
    try:
        keys.add(made.kept)
    finally:
        keys.close()
    return made.shown


@contextmanager
def a_gateway(folder: Path, variables: Mapping[str, str], database_url: str) -> Iterator[GatewayProcess]:
    """Give a gateway that runs, with a key of its own; it does not outlive the context.

    `variables` are those of the deployment, `database_url` is its ledger, by the direct way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    gateway = GatewayProcess(folder, variables, add_key(database_url, "a-gateway"))
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.kill()
