"""JSON whose numbers are spelled as a test wants them. Apart, because Python's encoder would spell them its own way."""

from __future__ import annotations

import json
from typing import Any, Self


class RawNumber(float):
    """A number that is written into the JSON text as it stands."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text


def json_text(document: Any) -> str:
    """Return `document` as JSON, lone surrogates escaped and keys in the order they have."""
    if isinstance(document, RawNumber):
        return document.text
    if isinstance(document, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{json_text(v)}" for k, v in document.items()) + "}"
    if isinstance(document, list):
        return "[" + ",".join(map(json_text, document)) + "]"
    return json.dumps(document)
