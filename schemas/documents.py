"""JSON as the stream reads it: strictly, by the grammar alone, and with the text that each number had. Apart, because two doors read it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

import msgspec

from schemas.transaction import JsonNumber

_MAX_DIGITS = 400
"""Longer integers become floats, so that no number costs more than its text."""


class Doubled(dict[str, Any]):
    """An object that gave a name twice; `name` is the first such. The last value won, as in every parser that does not mind."""

    name = ""


def parse_json(text: str) -> Any:
    """Return the document; numbers other than integers are `JsonNumber`. Raises json.JSONDecodeError, or RecursionError far down."""
    return json.loads(text, parse_float=JsonNumber, parse_int=_parse_int, parse_constant=_refuse_constant)


def parse_json_once(text: str) -> Any:
    """Return what `parse_json` returns, with objects that gave a name twice as `Doubled`."""
    return json.loads(
        text,
        parse_float=JsonNumber,
        parse_int=_parse_int,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
    )


def write_json(document: Any) -> bytes:
    """Return a parsed document as compact JSON, numbers spelled as they were. Raises UnicodeEncodeError for lone surrogates."""
    return msgspec.json.encode(document, enc_hook=_spell)


def is_deeper(document: Any, levels: int) -> bool:
    """Whether objects and arrays nest deeper in `document` than that many levels below it. Looks no deeper than that itself."""
    children = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return levels < 0 or any(is_deeper(child, levels - 1) for child in children if isinstance(child, dict | list))


def doubled_path(document: Any) -> tuple[str, ...] | None:
    """Return the names down to one that an object gives twice; None if there is none. `document` is an object or array."""
    if isinstance(document, Doubled):
        return (document.name,)
    children = document.items() if isinstance(document, dict) else enumerate(document)
    for name, child in children:
        if isinstance(child, dict | list) and (path := doubled_path(child)) is not None:
            return (str(name), *path)
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    return document if len(document) == len(pairs) else _doubled(pairs)


def _doubled(pairs: list[tuple[str, Any]]) -> Doubled:
    document, times = Doubled(pairs), Counter(name for name, _ in pairs)
    document.name = next(name for name in times if times[name] > 1)
    return document


def _parse_int(text: str) -> int | JsonNumber:
    return int(text) if len(text) <= _MAX_DIGITS else JsonNumber(text)


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def _spell(number: Any) -> msgspec.Raw:
    return msgspec.Raw(number.text.encode())
