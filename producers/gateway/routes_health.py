"""GET /health, which says that the process lives, and GET /ready, which says whether traffic should come here. Neither wants a key."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from producers.gateway.front import Front
from producers.gateway.readiness import CheckName
from producers.gateway.replies import Reply, response

_TAGS: list[str | Enum] = ["operation"]


class HealthResponse(BaseModel):
    """The process lives."""

    status: Literal["alive"]


class ReadyResponse(BaseModel):
    """Whether traffic should come here; each check is "ok" or says what is wrong. `limits`: whose requests are counted together."""

    status: Literal["ready", "not ready"]
    checks: dict[CheckName, str]
    limits: str


def add_health(router: APIRouter, front: Front) -> None:
    """Add the two routes."""

    @router.get("/health", tags=_TAGS, summary="Does it live?", response_model=HealthResponse)
    async def health() -> Response:
        return response(Reply(200, {"status": "alive"}))

    @router.get(
        "/ready",
        tags=_TAGS,
        summary="Should traffic come here?",
        response_model=ReadyResponse,
        responses={503: {"model": ReadyResponse, "description": "Not now"}},
    )
    async def ready() -> Response:
        report = await front.readiness.report()
        status = "ready" if report.is_ready else "not ready"
        body = {"status": status, "checks": report.checks, "limits": front.limits.reach}
        return response(Reply(200 if report.is_ready else 503, body))
