"""Answers that S3 gives on a bad day, in front of the embedded one: the request is lost, or it is carried out and the answer is lost."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from infra.local.clients import ACCESS_KEY, REGION, SECRET_KEY
from infra.local.environment import LocalEnvironment

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class _Raw:
    """The body of an answer, as urllib3 would stream it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return [self._body]


class S3Faults:
    """Stands between a client and one operation of S3. Failures are used up in order, one a request."""

    def __init__(self, client: S3Client, operation: str = "PutObject") -> None:
        self._failures: deque[tuple[int, str, bool]] = deque()
        self._wire = URLLib3Session()
        events: Any = client.meta.events  # its stub forbids handlers that answer
        events.register(f"before-send.s3.{operation}", self._answer)

    def fail_next(self, when: str, status: int = 503, code: str = "SlowDown") -> None:
        """Answer the next request with `status`: instead of carrying it out (`before`), or after that (`after`)."""
        self._failures.append((status, code, when == "after"))

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not self._failures:
            return None
        status, code, is_carried_out = self._failures.popleft()
        if is_carried_out:
            self._wire.send(request)
        body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body))


def client_without_retries(environment: LocalEnvironment, endpoint_url: str | None = None) -> S3Client:
    """Return a client that lets every failure through at once."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url or environment.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(
            retries={"total_max_attempts": 1}, connect_timeout=5, s3={"addressing_style": "path"}, proxies={}
        ),
    )
