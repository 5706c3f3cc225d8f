"""POST /api/v1/labels: what somebody found out of transactions afterwards."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from producers.gateway import answers
from producers.gateway.contract import LabelRequest
from producers.gateway.described import BODY_ERRORS, KEY_ERRORS, keyed, refusals
from producers.gateway.front import Front
from producers.gateway.intake import admit, ask, count_rest, read_json
from producers.gateway.reading import read_labels
from producers.gateway.replies import Reply, response
from producers.gateway.responses import LabelResponse

PATH = "/api/v1/labels"


def add_labels(router: APIRouter, front: Front) -> None:
    """Add the route."""

    @router.post(
        PATH,
        tags=["labels"],
        summary="Report what transactions turned out to be",
        response_model=None,
        openapi_extra=keyed(LabelRequest),
        responses={
            200: {"model": LabelResponse, "description": "What became of each report, in their order"},
            **refusals(*KEY_ERRORS, *BODY_ERRORS),
        },
    )
    async def put_labels(request: Request) -> Response:
        client = await admit(front, request, "label")
        body = await read_json(request)
        labels = tuple(await asyncio.to_thread(read_labels, body, front.now()))  # too long for the event loop
        await count_rest(front, client, len(labels))
        outcomes = await ask(front, front.labels.submit, labels, "Labels cannot be stored")
        return response(Reply(200, answers.label_results([label.transaction_id for label in labels], outcomes)))
