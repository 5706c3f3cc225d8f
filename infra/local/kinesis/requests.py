"""Requests checked against the service model that botocore ships: AWS's own types, lengths, patterns and choices.

Compiled once an operation into plain functions, because PutRecords checks three members of 500 records a call.
"""

import base64
import binascii
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import get_session

from infra.local.kinesis.errors import SerializationException, ValidationException
from infra.local.kinesis.wire import Moment

Reader = Callable[[Any, str, list[str]], Any]
"""Takes a value, its path and the list of broken constraints to add to; gives the value as Python has it."""
Rule = Callable[[Any], str | None]
"""Says what a member must be, or nothing when it is."""


def read_request(operation: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the members that the model knows: blobs as bytes, timestamps as epoch milliseconds (int).

    Raises ``SerializationException`` for a wrong type and ``ValidationException`` naming every broken constraint.
    """
    broken: list[str] = []
    members: dict[str, Any] = _reader_of(operation)(document, "", broken)
    if broken:
        noun = "error" if len(broken) == 1 else "errors"
        raise ValidationException(f"{len(broken)} validation {noun} detected: {'; '.join(broken)}")
    return members


@functools.cache
def _reader_of(operation: str) -> Reader:
    model = get_session().get_service_model("kinesis")
    shape = model.operation_model(operation).input_shape
    return _compile(shape or StructureShape(operation, {"type": "structure", "members": {}}))


def _compile(shape: Shape) -> Reader:
    if isinstance(shape, StructureShape):
        return _structure(shape)
    if isinstance(shape, ListShape):
        return _list(shape)
    if isinstance(shape, MapShape):
        return _map(shape)
    return _scalar(shape)


def _structure(shape: StructureShape) -> Reader:
    readers = {name: (_lower_first(name), _compile(member)) for name, member in shape.members.items()}
    required = [(name, _lower_first(name)) for name in shape.required_members]

    def read(value: Any, path: str, broken: list[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise SerializationException(f"{path or 'The request'} is not a structure.")
        prefix = f"{path}." if path else ""
        for name, label in required:
            if value.get(name) is None:
                broken.append(f"Value null at '{prefix}{label}' failed to satisfy constraint: Member must not be null")
        return {
            name: readers[name][1](member, prefix + readers[name][0], broken)
            for name, member in value.items()
            if name in readers and member is not None
        }

    return read


def _list(shape: ListShape) -> Reader:
    read_member = _compile(shape.member)
    rules = _rules(shape)

    def read(value: Any, path: str, broken: list[str]) -> list[Any]:
        if not isinstance(value, list):
            raise SerializationException(f"{path} is not a list.")
        _judge(value, path, rules, broken)
        return [read_member(member, f"{path}.{number}.member", broken) for number, member in enumerate(value, 1)]

    return read


def _map(shape: MapShape) -> Reader:
    read_key, read_value = _compile(shape.key), _compile(shape.value)
    rules = _rules(shape)

    def read(value: Any, path: str, broken: list[str]) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise SerializationException(f"{path} is not a map.")
        _judge(value, path, rules, broken)
        return {
            read_key(key, f"{path}.key", broken): read_value(member, f"{path}.{key}.member", broken)
            for key, member in value.items()
        }

    return read


def _scalar(shape: Shape) -> Reader:
    convert = _CONVERSIONS[shape.type_name]
    rules = _rules(shape)

    def read(value: Any, path: str, broken: list[str]) -> Any:
        converted = convert(value, path)
        _judge(converted, path, rules, broken)
        return converted

    return read


def _judge(value: Any, path: str, rules: list[Rule], broken: list[str]) -> None:
    for rule in rules:
        demand = rule(value)
        if demand:
            shown = f"'{value}' " if isinstance(value, str | int) else ""  # never a payload
            broken.append(f"Value {shown}at '{path}' failed to satisfy constraint: Member must {demand}")


def _rules(shape: Shape) -> list[Rule]:
    limits, is_number = shape.metadata, shape.type_name in ("integer", "long")
    measure: Callable[[Any], int] = int if is_number else len
    noun = "value" if is_number else "length"
    rules: list[Rule] = []
    if "min" in limits:
        low = limits["min"]
        rules.append(lambda v: f"have {noun} greater than or equal to {low}" if measure(v) < low else None)
    if "max" in limits:
        high = limits["max"]
        rules.append(lambda v: f"have {noun} less than or equal to {high}" if measure(v) > high else None)
    if "pattern" in limits:
        pattern = re.compile(limits["pattern"])
        text = limits["pattern"]
        rules.append(lambda v: None if pattern.fullmatch(v) else f"satisfy regular expression pattern: {text}")
    if limits.get("enum"):
        choices = limits["enum"]
        rules.append(lambda v: None if v in choices else f"satisfy enum value set: [{', '.join(choices)}]")
    return rules


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise SerializationException(f"{path}: {type(value).__name__} can not be converted to a String.")
    return value


def _integer(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SerializationException(f"{path}: {type(value).__name__} can not be converted to an Integer.")
    return value


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise SerializationException(f"{path}: {type(value).__name__} can not be converted to a Boolean.")
    return value


def _blob(value: Any, path: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(_text(value, path), validate=True)
    except binascii.Error as error:
        raise SerializationException(f"{path} is not base64.") from error


def _timestamp(value: Any, path: str) -> int:
    if isinstance(value, Moment):
        return value.epoch_ms
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SerializationException(f"{path}: {type(value).__name__} can not be converted to a timestamp.")
    return round(value * 1000)


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


_CONVERSIONS: Mapping[str, Callable[[Any, str], Any]] = {
    "string": _text,
    "integer": _integer,
    "long": _integer,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}
