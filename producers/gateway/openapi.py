"""The OpenAPI document and its page. Apart from the routes, which read bodies themselves and are therefore described here."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import HTMLResponse

from producers.gateway.contract import BatchRequest, ClassifyRequest, LabelRequest
from producers.gateway.described import SECURITY

PATH = "/openapi.json"
_REFERENCE = "#/components/schemas/{model}"
_DESCRIPTION = """Asks the fraud stream for its decision on a transaction.

Every request becomes one event in the stream and is decided there, once: a retry with the same `transaction_id` gets the first decision,
with `duplicate: true`. If that takes too long the answer is 202, with a `Location` to ask at."""
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ASSETS = "https://cdn.jsdelivr.net"


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the app."""
    described = get_openapi(
        title="fraudstream", version="1", description=_DESCRIPTION, routes=app.routes, openapi_version="3.1.0"
    )
    requests: list[type[BaseModel]] = [ClassifyRequest, BatchRequest, LabelRequest]
    _, schemas = models_json_schema([(each, "validation") for each in requests], ref_template=_REFERENCE)
    components = described.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas["$defs"])
    components["securitySchemes"] = SECURITY
    return described


def page() -> HTMLResponse:
    """Return the page that shows it. Its assets come from a public host, and nothing else may run or be loaded in it."""
    page = get_swagger_ui_html(openapi_url=PATH, title="fraudstream", swagger_favicon_url="data:,")
    scripts = " ".join(_allowed(script) for script in _SCRIPT.findall(bytes(page.body).decode()))
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; connect-src 'self'; img-src data:; style-src {_ASSETS} 'unsafe-inline'; "
        f"script-src {_ASSETS} {scripts}; frame-ancestors 'none'"
    )
    return page


def _allowed(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
