"""Faults on demand in the embedded AWS, from any process that knows its endpoint."""

import contextlib
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import msgspec

from infra.local.aws.fault_endpoint import FAULTS_PATH, TRIM_PATH
from infra.local.aws.faults import Fault, FaultCount
from infra.local.errors import EmbeddedAwsError

_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Injection:
    """An injected fault; its counters can be read also when it has ended."""

    control: "FaultControl"
    fault: Fault

    def fired(self) -> int:
        """Count the requests that it struck since it was injected."""
        return self.control.counts()[self.fault.name].fired

    def matched(self) -> int:
        """Count the requests that it was meant for, struck or not."""
        return self.control.counts()[self.fault.name].matched


class FaultControl:
    """Injects faults into the embedded AWS at ``endpoint_url``; safe in threads.

    Raises ``ValueError`` for a fault that could never fire, ``EmbeddedAwsError`` where no embedded AWS answers.
    """

    def __init__(self, endpoint_url: str) -> None:
        self._place = urlsplit(endpoint_url).netloc

    @contextmanager
    def injected(self, fault: Fault) -> Iterator[Injection]:
        """Inject a fault while the context lasts."""
        injection = self.inject(fault)
        try:
            yield injection
        finally:
            with contextlib.suppress(EmbeddedAwsError):  # an AWS that has gone has no faults, and hides no cause
                self.clear(fault.name)

    def inject(self, fault: Fault) -> Injection:
        """Inject a fault until it is cleared; it takes the place of one with the same name and counts from 0."""
        self._request("PUT", fault.name, msgspec.json.encode(fault))
        return Injection(self, fault)

    def clear(self, name: str) -> None:
        """End a fault; requests that it is delaying go on. An unknown name is no error."""
        self._request("DELETE", name)

    def trim(self, stream_name: str, before_ms: int) -> None:
        """Forget the stream's records that arrived before ``before_ms`` (epoch); raises ``ValueError`` if there is no such stream."""
        self._call("PUT", f"{TRIM_PATH}{quote(stream_name, safe='')}/{before_ms}")

    def counts(self) -> dict[str, FaultCount]:
        """Give the counters of all faults by name, of ended ones too."""
        return msgspec.json.decode(self._request("GET"), type=dict[str, FaultCount])

    def _request(self, method: str, name: str = "", body: bytes = b"") -> bytes:
        return self._call(method, f"{FAULTS_PATH}/{quote(name, safe='')}" if name else FAULTS_PATH, body)

    def _call(self, method: str, path: str, body: bytes = b"") -> bytes:
        connection = http.client.HTTPConnection(self._place, timeout=_TIMEOUT_S)
        try:
            with contextlib.closing(connection):
                connection.request(method, path, body)
                response = connection.getresponse()
                status, answer = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EmbeddedAwsError(f"No embedded AWS answers at {self._place}; is the environment up?") from error
        if status == HTTPStatus.BAD_REQUEST:
            raise ValueError(answer.decode())
        return answer
