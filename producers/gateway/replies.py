"""Answers as they go over the wire: the status, body and headers of every outcome and of every refusal."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from producers.gateway import answers
from producers.gateway.answers import ReasonText
from producers.gateway.outcomes import Accepted, Conflicting, Decided, Declined, Outcome
from producers.gateway.problems import NO_DETAILS, BadRequest, ErrorCode, Refused

JSON = "application/json"
AUTHENTICATE = 'ApiKey realm="fraudstream"'


class Reply(NamedTuple):
    """Status, body and headers of an answer, or of one item of a batch."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = NO_DETAILS


def reply_to(outcome: Outcome, reason_text: ReasonText) -> Reply:
    """Return what the client is told of an event."""
    match outcome:
        case Decided(decision, is_duplicate):
            return Reply(200, answers.classification(decision, reason_text, is_duplicate=is_duplicate))
        case Accepted(identity):
            return Reply(202, answers.pending(*identity), {"Location": answers.location(*identity)})
        case Conflicting(details):
            return refusal(Refused("CONFLICT", "The transaction_id stands for another event", details))
        case Declined(details):
            return refusal(BadRequest(details, "The stream refuses the event: see details for each field"))
    return _unavailable(outcome.transaction_id, outcome.retry_after_s)


def refusal(refused: Refused) -> Reply:
    """Return the answer to a request that is refused."""
    return Reply(refused.status, refused.body, _headers_of(refused.code, refused.retry_after_s))


def response(reply: Reply) -> Response:
    """Return the reply as an ASGI response."""
    return Response(msgspec.json.encode(reply.body), reply.status, dict(reply.headers), JSON)


def _unavailable(transaction_id: str, retry_after_s: float) -> Reply:
    message = "Nobody knows yet what became of the event: send it again with this transaction_id, nothing happens twice"
    details = {"transaction_id": transaction_id}
    return refusal(Refused("UNAVAILABLE", message, details, retry_after_s=retry_after_s))


def _headers_of(code: ErrorCode, retry_after_s: float | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, ceil(retry_after_s)))
    if code == "UNAUTHORIZED":
        headers["WWW-Authenticate"] = AUTHENTICATE
    if code == "PAYLOAD_TOO_LARGE":
        headers["Connection"] = "close"  # what else is on its way is not read
    return headers
