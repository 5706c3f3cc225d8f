"""What is wrong with a field, in words for the client, by path. Apart, because the words are part of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

WHOLE = "body"
"""The path of the request as a whole."""
REQUIRED = "is required"
_BOUNDS: Mapping[str, str] = {
    "hour": "between 0 and 23",
    "day_of_week": "between 0 and 6",
    "previous_transactions_count": "between 0 and 2147483647",
    "latitude": "between -90 and 90",
    "longitude": "between -180 and 180",
}
_PLAIN: Mapping[str, str] = {
    "missing": REQUIRED,
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_unicode": "must not contain lone surrogates",
    "string_pattern_mismatch": "must be three capital letters, such as EUR",
    "bool_type": "must be true or false",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
}
_COUNTED: Mapping[str, str] = {
    "string_too_long": "must be at most {max_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} item",
}
_OUT_OF_BOUNDS = frozenset({"greater_than_equal", "less_than_equal", "finite_number"})
_NO_INTEGER = frozenset({"int_type", "int_from_float", "int_parsing", "int_parsing_size"})
_MAX_NAME = 64


def field_texts(refusal: ValidationError) -> dict[str, str]:
    """Return a text for every bad field, by path (`WHOLE` for the request itself); of several for one field the first."""
    texts: dict[str, str] = {}
    for error in refusal.errors(include_url=False):
        texts.setdefault(path_of(error["loc"]), _text(error))
    return texts


def path_of(names: Sequence[int | str]) -> str:
    """Return the names joined by points. What the client named itself is cut and made printable: it comes back in the answer."""
    return ".".join(_shown(str(name)) for name in names) or WHOLE


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:_MAX_NAME])


def _text(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if error["input"] is None and error["loc"]:
        return REQUIRED
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _COUNTED:
        return _COUNTED[kind].format(**context)
    return _number_text(error) or error["msg"].removeprefix("Value error, ")


def _number_text(error: ErrorDetails) -> str | None:
    kind, bounds = error["type"], _BOUNDS.get(str(error["loc"][-1]) if error["loc"] else "")
    if bounds is None:
        return None
    if kind in _OUT_OF_BOUNDS:
        return f"must be {bounds}"
    if kind in _NO_INTEGER:
        return f"must be a whole number {bounds}"
    return f"must be a number {bounds}" if kind == "float_type" else None
