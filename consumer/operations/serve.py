"""`fraudstream serve`: the gateway in the foreground, one process, which never forks."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from consumer.gateway_settings import GatewaySettings, load_gateway_settings
from consumer.operations.remedies import with_remedy
from consumer.settings import SettingsError
from consumer.telemetry.log_stream import log_stream, protect_stderr
from consumer.telemetry.logs import configure_logs
from consumer.telemetry.metrics import Meter
from consumer.telemetry.process_meter import open_meter

if TYPE_CHECKING:
    from producers.gateway.front import Front

_log = structlog.get_logger()
_CANNOT_START = 2
_BACKLOG = 2_048
_KEEP_ALIVE_S = 75
"""Longer than a load balancer keeps an idle connection (60 s by default), or it would send requests into closing ones."""
_TICK_S = 0.2


def serve(*, local: bool = False) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns 0 after a clean stop, 2 where it could not start."""
    protect_stderr()
    try:
        settings = load_gateway_settings(local=local)
        configure_logs(settings.log_level)
        _forward_server_log()
        return _serve(settings)
    except SettingsError as error:
        print(f"fraudstream: {error}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001 - the start failed: say why in one line, not in a page of frames
        _log.error("cannot_start", cause=f"{type(error).__name__}: {with_remedy(error)}")
    return _CANNOT_START


def _serve(settings: GatewaySettings) -> int:
    try:
        from consumer.gateway_wiring import a_front
    except ModuleNotFoundError as error:
        raise SettingsError(f"{error.name} is missing: pip install 'fraudstream[gateway]'") from None
    with _listening(settings) as listening:
        meter = open_meter(settings.application_name, settings.metrics_every_s, log_stream(), "gateway")
        with _ticking(meter), a_front(settings, meter) as front:
            host, port = listening.getsockname()[:2]
            _log.info("serving", host=host, port=port, docs=settings.gateway_docs)
            _run_server(settings, front, listening)
    _log.info("stopped")
    return 0


@contextmanager
def _listening(settings: GatewaySettings) -> Iterator[socket.socket]:
    """Give a bound socket; nobody is let in before the server takes it over. Raises SettingsError where the port is taken."""
    address = (settings.gateway_host, settings.gateway_port)
    family = socket.AF_INET6 if ":" in settings.gateway_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {address[0]} port {address[1]} ({error.strerror}): "
                "set FRAUDSTREAM_GATEWAY_PORT to a free port, or 0 to take one, and FRAUDSTREAM_GATEWAY_HOST to an address of this machine"
            ) from None
        yield bound


def _run_server(settings: GatewaySettings, front: Front, listening: socket.socket) -> None:
    """At SIGTERM: no new connections, what was begun is answered, what waits to be published is sent, then it returns."""
    import uvicorn
    import uvloop

    from producers.gateway.app import create_app

    config = uvicorn.Config(
        create_app(front),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.gateway_stop_s,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(
            number, lambda *_: None
        )  # the server raises them again once it has stopped: they have had their effect

    async def serve_and_close() -> None:
        try:
            await uvicorn.Server(config).serve(sockets=[listening])
        finally:
            await front.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_and_close())


@contextmanager
def _ticking(meter: Meter) -> Iterator[None]:
    """Let metrics leave when they are due, by a thread of their own: the event loop must not wait for a log that is not read."""
    over = Event()

    def tick() -> None:
        while not over.wait(_TICK_S):
            meter.tick()

    thread = Thread(target=tick, name="gateway-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        meter.close()


class _ServerLog(logging.Handler):
    """The HTTP server's own words as lines of our log, without frames: they might show what a client sent."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        with suppress(Exception):
            _log.warning("http_server", message=record.getMessage().split("\n", 1)[0], kind=kind)


def _forward_server_log() -> None:
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.addHandler(_ServerLog())
        logger.propagate = False
