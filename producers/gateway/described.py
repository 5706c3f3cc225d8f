"""What routes say of themselves in OpenAPI, apart from their models: requests' bodies, refusals, headers, who may ask."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from producers.gateway.problems import STATUSES, ErrorCode
from producers.gateway.responses import ErrorResponse

SECURITY: dict[str, Any] = {"ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
_TEXT = {"schema": {"type": "string"}}
_MEANINGS: dict[ErrorCode, str] = {
    "VALIDATION_ERROR": "The request is not valid; details has a text per field",
    "UNAUTHORIZED": "There is no key, or one that is unknown, expired or revoked",
    "FORBIDDEN": "The key has not the scope that this needs",
    "NOT_FOUND": "Nothing is known of it",
    "CONFLICT": "The transaction_id stands for another event",
    "PAYLOAD_TOO_LARGE": "The body is too large",
    "UNSUPPORTED_MEDIA_TYPE": "The body is not application/json",
    "RATE_LIMITED": "The key asks too often",
    "UNAVAILABLE": "The stream or the ledger is away; to send the same again is safe",
}
_HEADERS: dict[ErrorCode, dict[str, Any]] = {
    "RATE_LIMITED": {"Retry-After": {**_TEXT, "required": True, "description": "seconds"}},
    "UNAVAILABLE": {"Retry-After": {**_TEXT, "required": True, "description": "seconds"}},
    "UNAUTHORIZED": {"WWW-Authenticate": {**_TEXT, "required": True}},
}
LOCATION: dict[str, Any] = {"Location": {**_TEXT, "required": True, "description": "where to ask for the decision"}}
KEY_ERRORS: tuple[ErrorCode, ...] = ("UNAUTHORIZED", "FORBIDDEN", "RATE_LIMITED", "UNAVAILABLE")
BODY_ERRORS: tuple[ErrorCode, ...] = ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")

Responses = dict[int | str, dict[str, Any]]


def refusals(*codes: ErrorCode) -> Responses:
    """Return the refusals that a route may answer with."""
    return {
        STATUSES[code]: {
            "model": ErrorResponse,
            "description": _MEANINGS[code],
            "headers": _HEADERS.get(code, {}),
        }
        for code in codes
    }


def keyed(body: type[BaseModel] | None = None, parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return what else OpenAPI says of a route that wants a key: its body, its parameters."""
    described: dict[str, Any] = {"security": [{name: []} for name in SECURITY]}
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if parameters is not None:
        described["parameters"] = parameters
    return described
