"""What every route asks of a request before it looks at what it says: whose it is, whether it may, how often, and that it is JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from starlette.requests import Request

from producers.gateway.api_key import Scope
from producers.gateway.batcher import Overloaded
from producers.gateway.front import Front
from producers.gateway.keys import Client
from producers.gateway.problems import Refused
from sinks.errors import SinkError

T = TypeVar("T")
R = TypeVar("R")
_KEY_HEADER = "x-api-key"
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii"})
_AWAY_RETRY_AFTER_S = 1.0


async def admit(front: Front, request: Request, scope: Scope) -> Client:
    """Return whose request it is, and count it as one. Raises Refused: 401, 403, 429, or 503 where keys cannot be looked up."""
    client = await _verify(front, request.headers.get(_KEY_HEADER))
    request.state.key_id = client.key_id
    if scope not in client.scopes:
        raise Refused("FORBIDDEN", f"The key has no scope {scope!r}: ask for one that has it", {"scope": scope})
    await _take(front, client, 1, client.burst)
    return client


async def count_rest(front: Front, client: Client, transactions: int) -> None:
    """Count what a request holds besides the one transaction that `admit` counted. Raises Refused: 429.

    It goes beyond the burst, else a batch larger than that would never go; the requests after it wait until it is paid.
    """
    if transactions > 1:
        await _take(front, client, transactions - 1, client.burst + transactions - 1)


async def _take(front: Front, client: Client, cost: int, burst: int) -> None:
    wait_s = await front.limits.take(client.key_id, client.rate_per_s, burst, cost)
    if wait_s > 0:
        message = f"More than {client.rate_per_s:g} transactions a second: wait as long as Retry-After says"
        raise Refused("RATE_LIMITED", message, retry_after_s=wait_s)


async def read_json(request: Request) -> bytes:
    """Return the body as it was sent. Raises Refused: 415, or 413 from the guard."""
    _require_json(request.headers.get("content-type", ""))
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "Content-Encoding is not supported: send the body as it is")
    return await request.body()


async def ask(front: Front, submit: Callable[[T], Future[R]], item: T, failing: str) -> R:
    """Return what a batcher answers within the deadline. Raises Refused: 503, which says what is `failing`."""
    try:
        async with asyncio.timeout(front.settings.deadline_s):
            return await asyncio.wrap_future(submit(item))
    except (TimeoutError, Overloaded, SinkError) as error:
        raise _away(failing) from error


async def _verify(front: Front, header: str | None) -> Client:
    try:
        return await front.keys.verify(header)
    except SinkError as error:
        raise _away("API keys cannot be looked up") from error


def _away(what: str) -> Refused:
    return Refused("UNAVAILABLE", f"{what} at the moment: try again", retry_after_s=_AWAY_RETRY_AFTER_S)


def _require_json(content_type: str) -> None:
    media_type, _, parameters = content_type.partition(";")
    name, _, charset = parameters.strip().partition("=")
    is_utf8 = name.lower() != "charset" or charset.strip('" ').lower() in _UTF8
    if media_type.strip().lower() != "application/json" or not is_utf8:
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json in UTF-8")
