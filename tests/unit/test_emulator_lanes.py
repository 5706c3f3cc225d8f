"""Which requests to moto may overlap: shown with an application that is slow and counts who is inside."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.aws.http import HttpRequest
from infra.local.aws.moto_endpoint import MotoEndpoint

AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"


class SlowApplication:
    """A WSGI application that remembers the most requests that were inside at once."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self.most_inside = 0
        self.bodies: Counter[bytes] = Counter()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        with self._lock:
            self._inside += 1
            self.most_inside = max(self.most_inside, self._inside)
            self.bodies[environ["wsgi.input"].read()] += 1
        time.sleep(0.02)
        with self._lock:
            self._inside -= 1
        start_response("200 OK", [("Content-Length", "2"), ("X-Seen", environ["RAW_URI"])])
        return [b"o", b"k"]


def a_request(service: str, path: str = "/", method: str = "PUT") -> HttpRequest:
    headers = {"authorization": AUTHORIZATION.format(service), "host": "127.0.0.1"}
    return HttpRequest(method, path, path, "", headers, path.encode(), 1)


def run_together(*requests: HttpRequest) -> SlowApplication:
    application = SlowApplication()
    endpoint = MotoEndpoint(lambda: application)

    async def together() -> None:
        responses = await asyncio.gather(*(endpoint.answer(request) for request in requests))
        assert {response.status for response in responses} == {200}

    asyncio.run(together())
    assert sum(application.bodies.values()) == len(requests)
    return application


@pytest.mark.parametrize(
    "requests",
    [
        [a_request("dynamodb") for _ in range(6)],
        [a_request("s3", f"/bucket/{number}", method) for number in range(3) for method in ("PUT", "HEAD")],
        [a_request("s3", "/bucket"), a_request("s3", "/bucket/"), a_request("s3", "/bucket/key/deep", "DELETE")],
    ],
    ids=["dynamodb", "one bucket", "a bucket and its objects"],
)
def test_requests_that_must_be_atomic_never_overlap(requests: list[HttpRequest]) -> None:
    assert run_together(*requests).most_inside == 1


def test_a_long_poll_holds_nobody_up() -> None:
    application = run_together(
        *[a_request("sqs") for _ in range(3)], a_request("dynamodb"), a_request("s3", "/bucket/a")
    )
    assert application.most_inside > 1


def test_a_head_answers_with_the_length_of_the_object_and_no_body() -> None:
    endpoint = MotoEndpoint(SlowApplication)
    response = asyncio.run(endpoint.answer(a_request("s3", "/bucket/key", "HEAD")))
    assert response.body == b""
    assert (b"content-length", b"2") in response.headers


def test_the_region_and_the_service_are_read_from_the_signature() -> None:
    assert (a_request("sns").region, a_request("sns").service) == ("eu-west-1", "sns")
    unsigned = HttpRequest("GET", "/", "/", "", {}, b"", 1)
    assert (unsigned.region, unsigned.service) == ("us-east-1", "s3")
