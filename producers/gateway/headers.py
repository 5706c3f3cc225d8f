"""Headers that every answer carries, and the request's id. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

Header = tuple[bytes, bytes]

REQUEST_ID: Final = b"x-request-id"
_POLICY: Final = b"content-security-policy"
_SECURITY: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"referrer-policy", b"no-referrer"),
)
_CLOSED: Final[Header] = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")
_TAKEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def request_id(headers: Iterable[Header], new_id: Callable[[], str]) -> str:
    """Return the id that the client gave where it is harmless in a log (64 letters, digits, `.`, `_`, `-`), else a new one."""
    for name, value in headers:
        if name == REQUEST_ID and _TAKEN.fullmatch(value):
            return value.decode("ascii")
    return new_id()


def content_length(headers: Iterable[Header]) -> int:
    """Return how many bytes the body is said to have; 0 where nothing is said."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def secured(headers: Iterable[Header], of_request: str) -> list[Header]:
    """Return an answer's headers with those that protect it; a page that brings its own content policy keeps it."""
    given = list(headers)
    has_policy = any(name.lower() == _POLICY for name, _ in given)
    return [*given, *_SECURITY, *(() if has_policy else (_CLOSED,)), (REQUEST_ID, of_request.encode("ascii"))]
