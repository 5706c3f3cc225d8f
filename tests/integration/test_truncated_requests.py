"""A client that dies in the middle of a request: nothing of it is carried out, as with the real services."""

from __future__ import annotations

import socket

import pytest
from botocore.exceptions import ClientError

from infra.local.environment import LocalEnvironment
from infra.local.ports import HOST

pytestmark = pytest.mark.real

_HEAD = "PUT /truncated/{key} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{more}\r\n"


@pytest.fixture(scope="module")
def port(local_environment: LocalEnvironment) -> int:
    local_environment.client("s3").create_bucket(Bucket="truncated")
    return local_environment.aws_port


@pytest.mark.parametrize(("body", "more"), [(b"", "Expect: 100-continue\r\n"), (b"half", "")], ids=["no-body", "half"])
def test_a_put_that_ends_before_its_body_stores_nothing(
    local_environment: LocalEnvironment, port: int, body: bytes, more: str
) -> None:
    s3, key = local_environment.client("s3"), f"key-{len(body)}"
    with socket.create_connection((HOST, port)) as client:
        head = _HEAD.format(key=key, host=HOST, length=8, more=f"Connection: close\r\n{more}")
        client.sendall(head.encode() + body)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass

    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="truncated", Key=key)
    s3.put_object(Bucket="truncated", Key=key, Body=b"whole", IfNoneMatch="*")
