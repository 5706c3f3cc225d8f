"""``python -m infra.local.aws``: serve the embedded AWS on 127.0.0.1 until SIGTERM or SIGINT. Nothing is kept."""

import argparse
import asyncio
import gc
import logging
import os
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config

from infra.local.kinesis.stream import ACCOUNT_ID


def main() -> None:
    """Serve, on a port or on a socket that the parent has bound already."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.aws", description=__doc__)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--port", type=int, help="listen on this port of 127.0.0.1")
    place.add_argument("--fd", type=int, help="listen on this inherited socket")
    arguments = parser.parse_args()
    bind = f"fd://{arguments.fd}" if arguments.fd is not None else f"127.0.0.1:{arguments.port}"
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID  # moto reads it once, when it is imported
    logging.basicConfig(level=logging.ERROR)
    gc.set_threshold(50_000, 20, 50)  # a batch of 500 records is thousands of objects, and none of them a cycle
    asyncio.run(_serve(bind))
    os._exit(0)  # a long poll of SQS would keep its thread, and with it the interpreter, for 20 s


async def _serve(bind: str) -> None:
    from infra.local.aws.app import EmbeddedAws

    application = EmbeddedAws()
    threading.Thread(target=application.moto.load, daemon=True).start()
    await serve(application, server_config(bind), mode="asgi")


def server_config(bind: str) -> Config:
    """Configure hypercorn: it speaks HTTP/1.1 and, by prior knowledge, HTTP/2 on the same socket."""
    config = Config()
    config.bind = [bind]
    config.backlog = 1024
    config.loglevel = "ERROR"
    config.graceful_timeout = 1
    config.keep_alive_timeout = 3600  # an SDK's pooled connection must not close under its next request
    config.keep_alive_max_requests = 1 << 62  # nor after the default of 1,000 requests
    return config


if __name__ == "__main__":
    main()
