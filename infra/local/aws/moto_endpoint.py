"""Every service but Kinesis: moto's WSGI application, with the order of requests that it needs to be atomic."""

import asyncio
import io
import sys
import threading
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cached_property
from typing import Any

from infra.local.aws.http import HttpRequest, HttpResponse
from infra.local.aws.moto_queues import look_once

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_BUCKET_LANES = 8
_FREE_THREADS = 32  # an SQS long poll holds one for up to 20 s
_HOP_BY_HOP = frozenset({"transfer-encoding", "connection", "server", "date", "content-length"})


class MotoEndpoint:
    """Runs moto in threads.

    moto checks a condition and writes without a lock, so two conditional writes could both win, and an object becomes
    visible before its metadata. Hence lanes of one thread each: one for DynamoDB, and for S3 always the same one for
    the same bucket. A lane holds even when a client goes away in the middle of a request.
    """

    def __init__(self, make_application: Callable[[], WsgiApplication] | None = None) -> None:
        self._make_application = make_application or _moto_application
        self._dynamodb = ThreadPoolExecutor(1, "dynamodb")
        self._buckets = [ThreadPoolExecutor(1, f"s3-{number}") for number in range(_BUCKET_LANES)]
        self._free = ThreadPoolExecutor(_FREE_THREADS, "moto")
        self._load = threading.Lock()

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Run a request behind those that came before it on its lane."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lane(request), self._call, request)

    def load(self) -> None:
        """Import moto now rather than with the first request."""
        with self._load:
            _ = self._application

    def _lane(self, request: HttpRequest) -> Executor:
        if request.service == "dynamodb":
            return self._dynamodb
        if request.service == "s3":
            bucket = request.path.lstrip("/").partition("/")[0]
            return self._buckets[zlib.crc32(bucket.encode()) % _BUCKET_LANES]
        return self._free

    @cached_property
    def _application(self) -> WsgiApplication:
        return self._make_application()

    def _call(self, request: HttpRequest) -> HttpResponse:
        self.load()
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
            started[:] = [int(status.split(maxsplit=1)[0]), headers]

        parts = self._application(_environ(request), start_response)
        body = b"".join(parts)
        getattr(parts, "close", lambda: None)()
        return _response(request.method, started[0], started[1], body)


def _moto_application() -> WsgiApplication:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    look_once()
    application: WsgiApplication = DomainDispatcherApplication(create_backend_app)
    return application


def _response(method: str, status: int, headers: list[tuple[str, str]], body: bytes) -> HttpResponse:
    lower = [(name.lower(), value) for name, value in headers]
    kept = [(name, value) for name, value in lower if name not in _HOP_BY_HOP]
    length = dict(lower).get("content-length", "0") if method == "HEAD" else str(len(body))
    pairs = [*kept, ("content-length", length)]
    encoded = [(name.encode("latin1"), value.encode("latin1")) for name, value in pairs]
    return HttpResponse(status, encoded, b"" if method == "HEAD" else body)


def _environ(request: HttpRequest) -> dict[str, Any]:
    query = f"?{request.query}" if request.query else ""
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode().decode("latin1"),  # PEP 3333: bytes as latin1
        "RAW_URI": request.raw_path + query,
        "REQUEST_URI": request.raw_path + query,
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(request.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **_header_environ(request),
    }


def _header_environ(request: HttpRequest) -> dict[str, Any]:
    from moto.core import request as names

    environ: dict[str, Any] = {}
    preserved: dict[str, str] = {}  # S3 metadata names may hold underscores, which WSGI would turn into dashes
    for name, value in request.headers.items():
        key = names.environ_key_for_header(name)
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            continue
        environ[key] = value
        if names.should_preserve_original_header_name(name):
            preserved[key] = name
    return {**environ, names.PRESERVED_HEADER_NAMES_ENVIRON_KEY: preserved}
