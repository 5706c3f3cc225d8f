from __future__ import annotations

from typing import Any

import pytest

from schemas.compatibility import breaking_changes, breaking_changes_for_readers, is_same

TEXT = {"type": "string"}
NULL = {"type": "null"}


def a_schema(required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required)}


def maybe(part: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [part, NULL], "default": None}


# each line: what a field was, what it is now, what the first of two is told for it
NARROWED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"type": "number"}, {"type": "integer"}, 'f: type, "number" -> "integer"'),
    ({"type": "number"}, TEXT, 'f: type, "number" -> "string"'),
    ({}, TEXT, 'f: type, none -> "string"'),
    ({"type": ["string", "null"]}, TEXT, 'f: type, "null" -> "string"'),
    (maybe(TEXT), TEXT, 'f: type, "null" -> "string"'),
    ({"anyOf": [TEXT, {"type": "number"}]}, maybe(TEXT), 'f: type, "number" -> "string"'),
    ({**TEXT, "maxLength": 128}, {**TEXT, "maxLength": 64}, "f: maxLength, 128 -> 64"),
    (maybe({**TEXT, "maxLength": 128}), maybe({**TEXT, "maxLength": 64}), "f: maxLength, 128 -> 64"),
    (TEXT, {**TEXT, "maxLength": 64}, "f: maxLength, none -> 64"),
    (TEXT, {**TEXT, "minLength": 1}, "f: minLength, none -> 1"),
    (TEXT, {**TEXT, "pattern": "^a"}, 'f: pattern, none -> "^a"'),
    ({**TEXT, "pattern": "^a"}, {**TEXT, "pattern": "^ab"}, 'f: pattern, "^a" -> "^ab"'),
    (TEXT, {**TEXT, "format": "date-time"}, 'f: format, none -> "date-time"'),
    (TEXT, {**TEXT, "enum": ["a"]}, 'f: enum, none -> ["a"]'),
    ({**TEXT, "enum": ["a", "b"]}, {**TEXT, "enum": ["a"]}, 'f: enum, ["a", "b"] -> ["a"]'),
    ({**TEXT, "enum": ["a", "b"]}, {**TEXT, "const": "a"}, 'f: const, none -> "a"'),
    ({"enum": [1, "a"]}, {"enum": [True, "a"]}, 'f: enum, [1, "a"] -> [true, "a"]'),
    ({"type": "number", "minimum": 0}, {"type": "number", "minimum": 1}, "f: minimum, 0 -> 1"),
    ({"type": "number", "minimum": 0}, {"type": "number", "exclusiveMinimum": 0}, "f: exclusiveMinimum, none -> 0"),
    ({"type": "number"}, {"type": "number", "maximum": 9}, "f: maximum, none -> 9"),
    ({"type": "number", "maximum": 9}, {"type": "number", "exclusiveMaximum": 9}, "f: exclusiveMaximum, none -> 9"),
    ({"type": "number"}, {"type": "number", "multipleOf": 0.01}, "f: multipleOf, none -> 0.01"),
    ({"type": "array"}, {"type": "array", "items": TEXT}, 'f[]: type, none -> "string"'),
    ({"type": "array", "items": {}}, {"type": "array", "items": {}, "maxItems": 3}, "f: maxItems, none -> 3"),
    (a_schema(), a_schema(("x",)), "f.x: required, false -> true"),
    (a_schema(x=TEXT), a_schema(), "f.x: removed"),
    ({"type": "array", "items": a_schema(x=TEXT)}, {"type": "array", "items": a_schema()}, "f[].x: removed"),
    (a_schema(x={}), a_schema(x=TEXT), 'f.x: type, none -> "string"'),
    (a_schema(), {**a_schema(), "additionalProperties": False}, "f: additionalProperties, true -> false"),
    (a_schema(), {**a_schema(), "additionalProperties": TEXT}, 'f: type, none -> "string"'),
    (
        {"type": "object", "additionalProperties": {"type": "number"}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        'f: type, "number" -> "integer"',
    ),
    (
        {"type": "object", "additionalProperties": {"type": "number"}},
        {"type": "object", "properties": {"x": TEXT}},
        'f.x: type, "number" -> "string"',
    ),
    ({}, {"oneOf": [TEXT]}, 'f: oneOf, none -> [{"type": "string"}]'),
]
LOOSENED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "integer"}, {"type": "number"}),
    (TEXT, maybe(TEXT)),
    (TEXT, {}),
    ({**TEXT, "maxLength": 64, "minLength": 1, "pattern": "^a"}, TEXT),
    ({**TEXT, "enum": ["a"]}, {**TEXT, "enum": ["b", "a"]}),
    ({**TEXT, "const": "a"}, {**TEXT, "enum": ["b", "a"]}),
    ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0}),
    ({"type": "number", "exclusiveMaximum": 9}, {"type": "number", "maximum": 9}),
    ({"type": "number", "minimum": 2, "maximum": 3}, {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 4}),
    ({"type": "number", "minimum": 0, "exclusiveMinimum": 2}, {"type": "number", "minimum": 1}),
    ({"type": "number", "maximum": 9, "exclusiveMaximum": 5}, {"type": "number", "maximum": 6}),
    ({"type": "array", "maxItems": 3, "items": TEXT}, {"type": "array", "items": {}}),
    ({**a_schema(x=TEXT), "additionalProperties": False}, a_schema(x=TEXT)),
    (a_schema(("x",), x=TEXT), a_schema(x=TEXT)),
    (a_schema(), a_schema(x=TEXT)),
]


@pytest.mark.parametrize(("was", "now", "told"), NARROWED)
def test_a_change_that_refuses_what_was_allowed_is_told(was: dict[str, Any], now: dict[str, Any], told: str) -> None:
    assert breaking_changes(a_schema(f=was), a_schema(f=now)) == [told]


@pytest.mark.parametrize(("was", "now"), LOOSENED)
def test_a_change_that_allows_more_breaks_no_sender(was: dict[str, Any], now: dict[str, Any]) -> None:
    assert breaking_changes(a_schema(f=was), a_schema(f=now)) == []
    assert not is_same(a_schema(f=was), a_schema(f=now))


def test_a_new_field_must_not_be_required() -> None:
    assert breaking_changes(a_schema(f=TEXT), a_schema(f=TEXT, g=TEXT)) == []
    assert breaking_changes(a_schema(f=TEXT), a_schema(("g",), f=TEXT, g=TEXT)) == ["g: required, false -> true"]


def test_every_break_is_told_not_only_the_first() -> None:
    old = a_schema(f={**TEXT, "maxLength": 8}, g=TEXT)
    assert breaking_changes(old, a_schema(("h",), f={**TEXT, "maxLength": 4, "minLength": 2})) == [
        "g: removed",
        "h: required, false -> true",
        "f: maxLength, 8 -> 4",
        "f: minLength, none -> 2",
    ]


def test_references_are_followed_on_both_sides() -> None:
    old = {"$defs": {"Place": a_schema(city=TEXT)}, **a_schema(place={"$ref": "#/$defs/Place", "description": "where"})}
    new = {
        "$defs": {"Site": a_schema(city={**TEXT, "maxLength": 9})},
        **a_schema(place=maybe({"$ref": "#/$defs/Site"})),
    }
    assert breaking_changes(old, new) == ["place.city: maxLength, none -> 9"]
    assert breaking_changes(old, old) == []


def test_what_is_only_said_to_people_changes_nothing() -> None:
    told = {**a_schema(f={**TEXT, "title": "F", "description": "text", "default": "x"}), "$id": "urn:x", "examples": []}
    assert is_same(a_schema(f=TEXT), told)


def test_a_rule_that_stands_twice_is_not_guessed_at() -> None:
    twice = a_schema(f={"maxLength": 3, "anyOf": [{**TEXT, "maxLength": 5}, NULL]})
    with pytest.raises(ValueError, match="maxLength twice"):
        breaking_changes(twice, twice)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (a_schema(f=TEXT), a_schema(f=maybe(TEXT)), ['f: type, "string" -> "null"']),
        (a_schema(f=TEXT), a_schema(), ["f: removed"]),
        (a_schema(("f",), f=TEXT), a_schema(f=TEXT), ["f: required, true -> false"]),
        (a_schema(f={"enum": ["a"]}), a_schema(f={"enum": ["a", "b"]}), ['f: enum, ["a"] -> ["a", "b"]']),
        (a_schema(f={"type": "integer"}), a_schema(f={"type": "number"}), ['f: type, "integer" -> "number"']),
        ({**a_schema(), "additionalProperties": False}, a_schema(g=TEXT), [
            "g: additionalProperties, false -> true",
            "the document: additionalProperties, false -> true",
        ]),
        (a_schema(f=maybe(TEXT)), a_schema(("f", "g"), f={**TEXT, "maxLength": 3}, g=TEXT), []),
    ],
)  # fmt: skip
def test_readers_are_told_of_what_they_do_not_expect(was: dict[str, Any], now: dict[str, Any], told: list[str]) -> None:
    assert breaking_changes_for_readers(was, now) == told
