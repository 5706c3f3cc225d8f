"""POST /api/v1/classify and its batch: read, bring through the stream, tell what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from enum import Enum

from fastapi import APIRouter, Request, Response

from producers.gateway import answers
from producers.gateway.contract import BatchRequest, ClassifyRequest
from producers.gateway.described import BODY_ERRORS, KEY_ERRORS, LOCATION, keyed, refusals
from producers.gateway.front import Front
from producers.gateway.intake import admit, count_rest, read_json
from producers.gateway.outcomes import Decided, Outcome
from producers.gateway.problems import Refused
from producers.gateway.reading import Composed, read_batch, read_request
from producers.gateway.replies import Reply, refusal, reply_to, response
from producers.gateway.responses import BatchResponse, ClassifyResponse, PendingResponse

PATH = "/api/v1/classify"
BATCH_PATH = f"{PATH}/batch"
_TAGS: list[str | Enum] = ["decisions"]


def add_classify(router: APIRouter, front: Front) -> None:
    """Add the two routes."""

    @router.post(
        PATH,
        tags=_TAGS,
        summary="Decide on a transaction",
        response_model=None,
        openapi_extra=keyed(ClassifyRequest),
        responses={
            200: {"model": ClassifyResponse, "description": "The stream's decision"},
            202: {"model": PendingResponse, "description": "In the stream, not decided yet", "headers": LOCATION},
            **refusals(*KEY_ERRORS, *BODY_ERRORS, "CONFLICT"),
        },
    )
    async def classify(request: Request) -> Response:
        await admit(front, request, "classify")
        composed = read_request(await read_json(request), front.now(), front.new_id, front.settings.bounds)
        outcome = await front.desk.classify(composed)
        _measure(front, outcome)
        return response(reply_to(outcome, front.reason_text))

    @router.post(
        BATCH_PATH,
        tags=_TAGS,
        summary="Decide on up to 500 transactions",
        response_model=None,
        openapi_extra=keyed(BatchRequest),
        responses={
            200: {"model": BatchResponse, "description": "A result for each, in their order"},
            **refusals(*KEY_ERRORS, *BODY_ERRORS),
        },
    )
    async def classify_batch(request: Request) -> Response:
        client = await admit(front, request, "classify")
        body = await read_json(request)
        items = await asyncio.to_thread(_read_all, front, body)  # too long for the event loop
        await count_rest(front, client, len(items))
        return response(Reply(200, await _decide_all(front, items)))


def _read_all(front: Front, body: bytes) -> Sequence[Composed | Refused]:
    return read_batch(body, front.now(), front.new_id, front.settings.bounds)


async def _decide_all(front: Front, items: Sequence[Composed | Refused]) -> answers.Body:
    outcomes = iter(await front.desk.classify_all([item for item in items if isinstance(item, Composed)]))
    replies = [refusal(item) if isinstance(item, Refused) else _told(front, next(outcomes)) for item in items]
    return answers.batch(_numbered(replies))


def _told(front: Front, outcome: Outcome) -> Reply:
    _measure(front, outcome)
    return reply_to(outcome, front.reason_text)


def _numbered(replies: Iterable[Reply]) -> list[answers.Body]:
    return [answers.batch_item(index, each.status, dict(each.body)) for index, each in enumerate(replies)]


def _measure(front: Front, outcome: Outcome) -> None:
    is_repeated = isinstance(outcome, Decided) and outcome.is_duplicate
    labels = {"outcome": type(outcome).__name__.lower(), "duplicate": "yes" if is_repeated else "no"}
    front.measure("gateway_events", 1, labels)
    front.measure("gateway_waiting", front.desk.waiting, {})
