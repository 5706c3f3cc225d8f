"""GET /api/v1/transactions/{id}: what was decided, or whether it is still under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from producers.gateway import answers
from producers.gateway.described import KEY_ERRORS, LOCATION, keyed, refusals
from producers.gateway.front import Front
from producers.gateway.intake import admit, ask
from producers.gateway.problems import BadRequest, Refused
from producers.gateway.replies import Reply, response
from producers.gateway.responses import PendingResponse, TransactionResponse
from schemas.timestamps import TIMESTAMP_PATTERN, TimestampError, parse_timestamp
from sinks.front import Found

PATH = "/api/v1/transactions/{transaction_id:path}"
_MAX_ID_CHARACTERS = 128
_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "transaction_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": _MAX_ID_CHARACTERS},
    },
    {
        "name": "timestamp",
        "in": "query",
        "required": False,
        "description": "the event's time, where several have this id; the newest where it is left out",
        "schema": {"type": "string", "format": "date-time", "pattern": f"^{TIMESTAMP_PATTERN}$"},
    },
]


def add_transactions(router: APIRouter, front: Front) -> None:
    """Add the route."""

    @router.get(
        PATH,
        tags=["decisions"],
        summary="The decision on a transaction",
        response_model=None,
        openapi_extra=keyed(parameters=_PARAMETERS),
        responses={
            200: {"model": TransactionResponse, "description": "It is decided"},
            202: {"model": PendingResponse, "description": "Not decided yet", "headers": LOCATION},
            **refusals(*KEY_ERRORS, "VALIDATION_ERROR", "NOT_FOUND"),
        },
    )
    async def get_transaction(request: Request) -> Response:
        await admit(front, request, "read")
        transaction_id = _id_of(request.path_params["transaction_id"])
        moment = _moment_of(request.query_params.get("timestamp"))
        found = await ask(front, front.finder.submit, transaction_id, "Decisions cannot be looked up")
        return response(_reply(front, _chosen(found, moment), transaction_id))


def _id_of(transaction_id: str) -> str:
    if not 1 <= len(transaction_id) <= _MAX_ID_CHARACTERS or "\0" in transaction_id:
        raise BadRequest({"transaction_id": f"must have 1 to {_MAX_ID_CHARACTERS} characters, and no U+0000"})
    return transaction_id


def _moment_of(timestamp: str | None) -> datetime | None:
    try:
        return None if timestamp is None else parse_timestamp(timestamp)
    except TimestampError as error:
        raise BadRequest({"timestamp": str(error)}) from None


def _chosen(found: Found, moment: datetime | None) -> Found:
    """Return what concerns the event at `moment`, where one is asked for."""
    if moment is None:
        return found
    decisions = tuple(decision for decision in found.decisions if decision.event_time == moment)
    is_reserved = found.reservation is not None and found.reservation.event_time == moment
    return Found(decisions, found.reservation if is_reserved else None)


def _reply(front: Front, found: Found, transaction_id: str) -> Reply:
    if found.decisions:
        *others, newest = found.decisions
        times = [other.event_time for other in others]
        return Reply(200, answers.transaction(newest, front.reason_text, times))
    if found.reservation is None:
        raise Refused("NOT_FOUND", "No such transaction was decided or asked for", {"transaction_id": "is unknown"})
    event_time = found.reservation.event_time
    where = answers.location(transaction_id, event_time)
    return Reply(202, answers.pending(transaction_id, event_time), {"Location": where})
