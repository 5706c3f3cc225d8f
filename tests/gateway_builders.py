"""A good request to classify, which tests vary, as a document or as bytes."""

from __future__ import annotations

import json
from types import EllipsisType
from typing import Any

from producers.gateway.examples import MINIMAL_EXAMPLE


def a_document(**changes: Any) -> dict[str, Any]:
    """The smallest good request with `changes`, names such as location__city for nested ones; `...` leaves a field out."""
    document: dict[str, Any] = json.loads(json.dumps(MINIMAL_EXAMPLE))
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        _set(place, name, value)
    return document


def a_body(**changes: Any) -> bytes:
    """The document as JSON."""
    return json.dumps(a_document(**changes)).encode()


def _set(place: dict[str, Any], name: str, value: Any | EllipsisType) -> None:
    if value is ...:
        del place[name]
    else:
        place[name] = value
