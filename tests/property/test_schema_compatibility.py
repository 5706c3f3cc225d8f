"""The comparison of schemas against a validator: what is said to break nobody refuses no document of yesterday."""

from __future__ import annotations

from typing import Any

import jsonschema
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas.compatibility import breaking_changes, is_same

_NAMES = ("a", "b")
_UNKNOWN = "z"
_BOUNDS = st.integers(-2, 2)
_LENGTHS = st.integers(0, 2)
_TEXTS = ("", "x", "xy", "yyy")
_SCALARS: list[Any] = [None, True, False, *range(-3, 4), -1.5, 0.5, 1.0, *_TEXTS]
_RULES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "number": dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _BOUNDS),
    "integer": dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _BOUNDS),
    "string": {
        "minLength": _LENGTHS,
        "maxLength": _LENGTHS,
        "pattern": st.sampled_from(["^x", "y$"]),
        "enum": st.lists(st.sampled_from(_TEXTS), min_size=1, unique=True),
    },
    "boolean": {"const": st.booleans()},
    "null": {},
}


def _scalar(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=_RULES[kind])


def _object(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    rules = {
        "properties": st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, inner)),
        "required": st.lists(st.sampled_from(_NAMES), unique=True),
        "additionalProperties": st.one_of(st.booleans(), inner),
    }
    return st.fixed_dictionaries({"type": st.just("object")}, optional=rules)


def _containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = {"items": inner, "minItems": _LENGTHS, "maxItems": _LENGTHS}
    return st.one_of(
        _object(inner),
        st.fixed_dictionaries({"type": st.just("array")}, optional=lists),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"anyOf": parts}),
    )


_SCHEMAS = st.recursive(st.sampled_from(sorted(_RULES)).flatmap(_scalar), _containers, max_leaves=4)


@st.composite
def _changed(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a few rules dropped, replaced or added, so that many a pair is compatible."""
    if draw(st.integers(0, 5)) == 0:
        return draw(_SCHEMAS)
    changed = {name: draw(_part(value)) for name, value in schema.items() if name == "type" or draw(st.integers(0, 5))}
    fresh = _RULES.get(schema.get("type", ""), {})
    for name in draw(st.lists(st.sampled_from(sorted(fresh)), max_size=1)) if fresh else ():
        changed[name] = draw(fresh[name])
    return changed


def _part(value: Any) -> st.SearchStrategy[Any]:
    if isinstance(value, dict) and ("type" in value or "anyOf" in value):
        return _changed(value)
    if isinstance(value, dict):  # properties
        return st.fixed_dictionaries({name: _part(part) for name, part in value.items()})
    if isinstance(value, list) and value and isinstance(value[0], dict):  # anyOf
        return st.tuples(*map(_part, value)).map(list)
    return st.just(value)


def _documents(schema: dict[str, Any] | bool) -> st.SearchStrategy[Any]:
    """Documents of the shape that the schema asks for, in which an unknown field has a name that no schema has."""
    if isinstance(schema, bool):
        return st.sampled_from(_SCALARS)
    if "anyOf" in schema:
        return st.one_of(*map(_documents, schema["anyOf"]))
    if schema.get("type") == "array":
        return st.lists(_documents(schema.get("items", True)), max_size=3)
    if schema.get("type") == "object":
        fields = {name: _documents(part) for name, part in schema.get("properties", {}).items()}
        others = dict.fromkeys((_UNKNOWN,), _documents(schema.get("additionalProperties", True)))
        return st.fixed_dictionaries({}, optional=fields | others)
    return st.sampled_from(_SCALARS)


def _is_valid(document: Any, schema: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(document)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_what_breaks_nobody_refuses_no_document_of_yesterday(data: st.DataObject) -> None:
    old = data.draw(_SCHEMAS)
    new = data.draw(_changed(old))
    assume(not breaking_changes(old, new))
    for document in data.draw(st.lists(_documents(old), max_size=8)):
        assert _is_valid(document, new) or not _is_valid(document, old), document


@given(_SCHEMAS)
def test_a_schema_is_the_same_as_itself(schema: dict[str, Any]) -> None:
    assert is_same(schema, schema)
