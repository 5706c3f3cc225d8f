"""The FastAPI app: its routes, and what becomes of everything that is raised."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from producers.gateway import openapi, routes_classify, routes_labels
from producers.gateway.front import Front
from producers.gateway.guard import Guard
from producers.gateway.problems import STATUSES, ErrorCode, Refused
from producers.gateway.replies import refusal, response
from producers.gateway.routes_classify import add_classify
from producers.gateway.routes_health import add_health
from producers.gateway.routes_labels import add_labels
from producers.gateway.routes_transactions import add_transactions

_CODES: dict[int, ErrorCode] = {status: code for code, status in STATUSES.items()}
_MESSAGES: dict[int, str] = {
    404: "There is nothing at this path: see /openapi.json",
    405: "This path does not take this method: see the header Allow",
}
_EXPOSED = ("Location", "Retry-After", "X-Request-Id")


def create_app(front: Front) -> FastAPI:
    """Return the app. It starts nothing and ends nothing: `front` is made before and closed after it, by who wired it."""
    has_docs = front.settings.has_docs
    app = FastAPI(
        title="fraudstream",
        openapi_url=openapi.PATH if has_docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    for add in (add_classify, add_transactions, add_labels, add_health):
        add(app.router, front)  # an included router would match each request once more
    if has_docs:
        _describe(app)
    app.add_exception_handler(Refused, _on_refused)  # type: ignore[arg-type]  # Starlette calls it with nothing else
    app.add_exception_handler(HTTPException, _on_http_exception)  # type: ignore[arg-type]  # likewise
    _add_middleware(app, front)
    return app


def _describe(app: FastAPI) -> None:
    described: dict[str, Any] = {}

    def describe() -> dict[str, Any]:
        if not described:
            described.update(openapi.document(app))
        return described

    app.openapi = describe  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return openapi.page()


def _add_middleware(app: FastAPI, front: Front) -> None:
    """The guard comes last, so that it stands in front of all others."""
    settings = front.settings
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Content-Type", "X-API-Key", "X-Request-Id"),
            expose_headers=_EXPOSED,
        )
    long_ones = dict.fromkeys((routes_classify.BATCH_PATH, routes_labels.PATH), settings.batch_bytes)
    app.add_middleware(Guard, measure=front.measure, most_bytes=settings.event_bytes, by_path=long_ones)


async def _on_refused(_: Request, error: Refused) -> Response:
    return response(refusal(error))


async def _on_http_exception(_: Request, error: HTTPException) -> Response:
    """What Starlette itself refuses: paths and methods that are none."""
    code = _CODES.get(error.status_code, "VALIDATION_ERROR")
    message = _MESSAGES.get(error.status_code, str(error.detail))
    answer = response(refusal(Refused(code, message)))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer
