"""Every refusal that a client may see, on one page: its code, its HTTP status and the one shape of its body."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

ErrorCode = Literal[
    "VALIDATION_ERROR",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "CONFLICT",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "RATE_LIMITED",
    "INTERNAL_ERROR",
    "UNAVAILABLE",
]
STATUSES: Mapping[ErrorCode, int] = MappingProxyType(
    dict(zip(get_args(ErrorCode), (400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503), strict=True))
)
"""The HTTP status of each code; no two codes share one."""
NO_DETAILS: Mapping[str, str] = MappingProxyType({})


def problem(code: ErrorCode, message: str, details: Mapping[str, str] = NO_DETAILS) -> dict[str, Any]:
    """Return the body of a refusal: {"error": {"code", "message", "details": {path: text}}}; `details` may be empty."""
    return {"error": {"code": code, "message": message, "details": dict(details)}}


class Refused(Exception):
    """A request is answered with `code` and nothing else comes of it. `message` names the cause and the remedy, for the client."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        details: Mapping[str, str] = NO_DETAILS,
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status of its code."""
        return STATUSES[self.code]

    @property
    def body(self) -> dict[str, Any]:
        """What the client reads."""
        return problem(self.code, self.message, self.details)


class BadRequest(Refused):
    """The request cannot be what it claims to be; `details` holds a text per field, by path such as location.latitude."""

    def __init__(
        self, details: Mapping[str, str], message: str = "The request is not valid: see details for each field"
    ) -> None:
        super().__init__("VALIDATION_ERROR", message, details)
