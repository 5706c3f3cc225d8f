"""Clients of the embedded AWS, made by localstack-client: they reach 127.0.0.1 and nothing else."""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from localstack_client.session import Session

from infra.local.ports import HOST

ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105 - nothing verifies it
REGION = "us-east-1"
_FOREIGN_SETTINGS = ("AWS_ENDPOINT_URL", "USE_SSL")  # localstack-client lets them win over the host it is given
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 3},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=32,
    proxies={},
    s3={"addressing_style": "path"},
)


class Clients:
    """Makes clients; they may be shared by threads, and making one is safe in any thread."""

    def __init__(self, port: int) -> None:
        with _without_foreign_settings():
            self._session = Session(ACCESS_KEY, SECRET_KEY, region_name=REGION, localstack_host=f"{HOST}:{port}")
        self._lock = threading.Lock()  # boto3's default session is not safe in threads

    def client(self, service: str) -> Any:
        """Make a boto3 client."""
        with self._lock:
            return self._session.client(service, config=_CONFIG)


@contextlib.contextmanager
def _without_foreign_settings() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in _FOREIGN_SETTINGS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)
