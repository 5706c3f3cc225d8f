"""The published JSON Schema against the decoder: whoever validates before sending is not surprised, in either direction."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.decode import InvalidRecord, Unknown, decode
from schemas.examples import EXAMPLES
from schemas.export import FOLDER
from tests.property.raw_json import RawNumber, json_text

SCHEMA: dict[str, Any] = json.loads((FOLDER / "transaction-event.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
_SAID_IN_WORDS = (
    "must have at most two decimals",
    "must not contain U+0000",
    "looks like a card number",
    "Not an RFC 3339 date and time",
)
"""What a valid event may still be refused for: the schema's descriptions say so (30 February, the year 0 and 10000 in UTC)."""

_NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=5,
)
_EDGES = st.sampled_from(
    [
        "-1",
        "-0.0",
        "0",
        "0.5",
        "1e0",
        "2.5",
        "6.0",
        "6.5",
        "7",
        "23.0",
        "24",
        "24.0",
        "90.0",
        "90.0000001",
        "-90.5",
        "180",
        "180.0000001",
        "-181",
        "2147483647.0",
        "2147483648.0",
        "9999999999999999.99",
        "1e16",
        "1e17",
        "1e400",
        "1e-400",
        "1.25e1",
        "12.505",
        "2.99999999999999999999",
    ]
).map(RawNumber)
_ODD_TEXTS = st.sampled_from(
    [
        "",
        "\0",
        "x" * 33,
        "x" * 46,
        "x" * 65,
        "x" * 129,
        "😀" * 128,
        "eur",
        "EUR",
        "2026-03-01T23:59:60Z",
        "2026-03-01T12:00:00",
    ]
)


def _numbers(schema: dict[str, Any], places: int) -> st.SearchStrategy[RawNumber]:
    top = schema.get("maximum", schema.get("exclusiveMaximum", 0) - Decimal("0.01"))
    return st.decimals(schema["minimum"], top, places=places).map(lambda number: RawNumber(f"{number:f}"))


def _integers(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    whole = st.integers(schema["minimum"], schema["maximum"])
    return st.one_of(whole, whole.map(lambda number: RawNumber(f"{number}.0")))


def _strings(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z"))
    return st.text(min_size=schema.get("minLength", 0), max_size=schema["maxLength"])


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        return st.dictionaries(st.text(max_size=5), _NESTED, max_size=3)
    parts = {name: _values(part) for name, part in schema["properties"].items()}
    required = {name: parts.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional={**parts, "unknown": _NESTED})


def _values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Whatever this part of the schema lets pass."""
    if "$ref" in schema:
        return _values(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return st.one_of([_values(part) for part in schema["anyOf"]])
    makers = {
        "null": lambda _: st.none(),
        "string": _strings,
        "integer": _integers,
        "number": lambda part: st.one_of(_numbers(part, 2), _numbers(part, 3)),
        "object": _objects,
    }
    return makers[schema["type"]](schema)


_VALID = _values(SCHEMA)
_FIELDS = SCHEMA["properties"] | {
    f"{outer}.{name}": part
    for outer, model in (("location", "Location"), ("device_info", "DeviceInfo"))
    for name, part in SCHEMA["$defs"][model]["properties"].items()
}


@st.composite
def _odd(draw: st.DrawFn) -> dict[str, Any]:
    """A plain event with a few values that may or may not be allowed where they stand."""
    sent: dict[str, Any] = json.loads(json.dumps(EXAMPLES["transaction-event"][0]))
    for name in draw(st.lists(st.sampled_from(sorted(_FIELDS)), min_size=1, max_size=3, unique=True)):
        outer, _, inner = name.rpartition(".")
        if isinstance(place := sent.get(outer) if outer else sent, dict):
            place[inner] = draw(st.one_of(_values(_FIELDS[name]), _values(_FIELDS[name]), _EDGES, _ODD_TEXTS, _NESTED))
    return sent


def _exact(number: str) -> int | Decimal:
    """Numbers as JSON Schema means them: 3.0 is an integer, and nothing is rounded."""
    value = Decimal(number)
    return int(value) if value == value.to_integral_value() and value.adjusted() < 400 else value


def _is_valid(data: bytes) -> bool:
    return VALIDATOR.is_valid(json.loads(data, parse_float=_exact))


def _refusal(data: bytes) -> InvalidRecord | None:
    try:
        decode(data, Unknown())
    except InvalidRecord as refusal:
        return refusal
    return None


def _judge(sent: dict[str, Any]) -> bool:
    """Whether the event is decided. Fails unless schema and decoder agree on it, but for what the descriptions say."""
    data = json_text(sent).encode()
    is_valid, refusal = _is_valid(data), _refusal(data)
    if refusal is None:
        assert is_valid, f"decided against the schema: {data!r}"
    elif is_valid:
        assert refusal.errors, refusal.reason
        assert all(error.message.startswith(_SAID_IN_WORDS) for error in refusal.errors), refusal.errors
    return refusal is None


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_VALID)
def test_a_valid_event_is_decided_but_for_what_is_said_in_words(sent: dict[str, Any]) -> None:
    assert _is_valid(json_text(sent).encode())
    _judge(sent)


@settings(max_examples=1500, deadline=None)
@given(_odd())
def test_an_event_with_odd_values_is_decided_if_and_only_if_it_is_valid_but_for_what_is_said_in_words(
    sent: dict[str, Any],
) -> None:
    _judge(sent)


@pytest.mark.parametrize(
    ("changes", "is_decided"),
    [
        ({}, True),
        ({"hour": RawNumber("3.0"), "previous_transactions_count": RawNumber("1.2e1")}, True),
        ({"hour": RawNumber("2.99999999999999999999")}, False),
        ({"day_of_week": RawNumber("6.5")}, False),
        ({"amount": RawNumber("9999999999999999.99")}, True),
        ({"amount": RawNumber("1e16")}, False),
        ({"location": {"latitude": 90, "longitude": -180}}, True),
        ({"location": {"latitude": 200}}, False),
        ({"location": {"longitude": RawNumber("-1e400")}}, False),
        ({"timestamp": "2026-06-30T23:59:60Z"}, False),
        ({"timestamp": "2026-06-30T23:59:59.1234567890Z"}, False),
        ({"timestamp": "yesterday"}, False),
    ],
)
def test_schema_and_decoder_agree_on_the_edges(changes: dict[str, Any], is_decided: bool) -> None:
    sent = EXAMPLES["transaction-event"][1] | changes
    assert _judge(sent) is is_decided
    assert _is_valid(json_text(sent).encode()) is is_decided
