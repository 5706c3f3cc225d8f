"""Whether a changed schema breaks somebody: pure, on JSON Schemas as pydantic writes them. Apart, because a model knows nothing of
what it was yesterday.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]
_ANYTHING: Schema = {}
_SAYS_NOTHING = frozenset({"$defs", "$id", "$schema", "default", "description", "examples", "title"})
_WALKED = frozenset({"additionalProperties", "anyOf", "items", "properties", "required"})


class _Misfit(NamedTuple):
    """A rule of the reader for the field at `path` that the writer does not keep; None: the writer's schema has no such rule."""

    path: str
    rule: str
    of_writer: Any
    of_reader: Any


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return what `new` refuses or drops of the documents that `old` allows, "field: rule, old -> new" each; empty if nothing.

    Fields that neither names may hold anything and are ignored. So a field that `new` adds breaks nobody, though somebody may have sent
    something else under its name: names that the schema lacks belong to the schema. It errs on the side of "breaking": rules that it
    does not know (`oneOf`, `not`, …) must stand unchanged. Raises ValueError where a rule stands beside a reference or `anyOf` that
    repeats it, RecursionError for schemas that hold themselves.
    """
    misfits = _misfits(_inlined(old, old), _inlined(new, new), "")
    return _removals(old, new) + [_told(m.path, m.rule, m.of_writer, m.of_reader) for m in misfits]


def breaking_changes_for_readers(old: Schema, new: Schema) -> list[str]:
    """Return what documents by `new` hold or lack that a reader of `old` does not expect; texts and errors as of `breaking_changes`.

    Fields that `new` adds are ignored by readers, unless `old` closes itself (`additionalProperties: false`).
    """
    misfits = _misfits(_inlined(new, new), _inlined(old, old), "")
    return _removals(old, new) + [_told(m.path, m.rule, m.of_reader, m.of_writer) for m in misfits]


def is_same(one: Schema, other: Schema) -> bool:
    """Whether both have the same fields and allow the same, whatever their descriptions, defaults and examples say."""
    return not breaking_changes(one, other) and not breaking_changes(other, one)


def _removals(old: Schema, new: Schema) -> list[str]:
    lost = _paths(_inlined(old, old)) - _paths(_inlined(new, new))
    return [f"{path}: removed" for path in sorted(lost)]


def _told(path: str, rule: str, old: Any, new: Any) -> str:
    was, now = ("none" if value is None else json.dumps(value, ensure_ascii=False) for value in (old, new))
    return f"{path or 'the document'}: {rule}, {was} -> {now}"


def _inlined(part: Any, root: Schema) -> Any:
    """Return `part` with every reference replaced by what it refers to."""
    if isinstance(part, list):
        return [_inlined(item, root) for item in part]
    if not isinstance(part, dict):
        return part
    if isinstance(reference := part.get("$ref"), str):
        part = _both(root["$defs"][reference.removeprefix("#/$defs/")], part)
    return {name: _inlined(value, root) for name, value in part.items() if name not in ("$defs", "$ref")}


def _both(one: Schema, other: Schema) -> Schema:
    if twice := one.keys() & other.keys() - _SAYS_NOTHING:
        raise ValueError(f"cannot compare a schema that says {', '.join(sorted(twice))} twice: say it in one place")
    return {**one, **other}


def _paths(schema: Schema, at: str = "") -> set[str]:
    """Return every field by its path, such as `location.city`; `[]` stands for any item of a list."""
    found: set[str] = set()
    for one in _alternatives(schema):
        for name, part in one.get("properties", _ANYTHING).items():
            found |= {_join(at, name)} | _paths(part, _join(at, name))
        if "items" in one:
            found |= _paths(one["items"], f"{at}[]")
    return found


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _alternatives(schema: Schema) -> Iterator[Schema]:
    """Give the schemas of one type at most, of which one must hold."""
    kinds = schema.get("type")
    if "anyOf" in schema:
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        for part in schema["anyOf"]:
            yield from _alternatives(_both(rest, part))
    elif isinstance(kinds, list):
        yield from ({**schema, "type": kind} for kind in kinds)
    else:
        yield schema


def _misfits(writer: Schema, reader: Schema, path: str) -> Iterator[_Misfit]:
    """Give, for each alternative of the writer, what the reader's nearest alternative has against it."""
    for one in _alternatives(writer):
        found = [list(_misfits_of_one(one, reading, path)) for reading in _alternatives(reader)]
        yield from min(found, key=lambda misfits: (any(m.rule == "type" for m in misfits), len(misfits)))


def _misfits_of_one(writer: Schema, reader: Schema, path: str) -> Iterator[_Misfit]:
    if not _is_type_read(writer, reader):
        yield _Misfit(path, "type", writer.get("type"), reader["type"])
        return
    for rule in sorted(reader.keys() - _SAYS_NOTHING - _WALKED - {"type"}):
        if not (_KEEPS[rule](writer, reader) if rule in _KEEPS else writer.get(rule) == reader[rule]):
            yield _Misfit(path, rule, writer.get(rule), reader[rule])
    for name in sorted(set(reader.get("required", ())) - set(writer.get("required", ()))):
        yield _Misfit(_join(path, name), "required", False, True)
    if "items" in reader:
        yield from _misfits(writer.get("items", _ANYTHING), reader["items"], f"{path}[]")
    yield from _misfits_of_fields(writer, reader, path)


def _misfits_of_fields(writer: Schema, reader: Schema, path: str) -> Iterator[_Misfit]:
    written, read = writer.get("properties", _ANYTHING), reader.get("properties", _ANYTHING)
    for name in sorted(written.keys() & read.keys()):
        yield from _misfits(written[name], read[name], _join(path, name))
    others, readable = writer.get("additionalProperties", True), reader.get("additionalProperties", True)
    if readable is not True:
        for name in sorted(written.keys() - read.keys()):
            yield from _misfits_of_others(written[name], readable, _join(path, name))
        yield from _misfits_of_others(others, readable, path)
    if isinstance(others, dict):
        for name in sorted(read.keys() - written.keys()):
            yield from _misfits(others, read[name], _join(path, name))


def _misfits_of_others(written: Any, readable: Any, path: str) -> Iterator[_Misfit]:
    """Compare what may stand under a name that the reader does not know; here a schema may be True or False."""
    if written is False:
        return
    if readable is False:
        yield _Misfit(path, "additionalProperties", True, readable)
    else:
        yield from _misfits(_ANYTHING if written is True else written, readable, path)


def _is_type_read(writer: Schema, reader: Schema) -> bool:
    written, read = writer.get("type"), reader.get("type")
    return read in (None, written) or (written == "integer" and read == "number")


def _values(schema: Schema) -> set[str] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if values is None else {json.dumps(value, sort_keys=True) for value in values}


def _keeps_values(writer: Schema, reader: Schema) -> bool:
    written, read = _values(writer), _values(reader)
    return read is None or (written is not None and written <= read)


def _lower(schema: Schema) -> tuple[float, bool]:
    bounds = [(schema[rule], rule == "exclusiveMinimum") for rule in ("minimum", "exclusiveMinimum") if rule in schema]
    return max(bounds, default=(-math.inf, False))


def _upper(schema: Schema) -> tuple[float, bool]:
    """Return the bound mirrored, so that the greater is the tighter here too."""
    bounds = [(-schema[rule], rule == "exclusiveMaximum") for rule in ("maximum", "exclusiveMaximum") if rule in schema]
    return max(bounds, default=(-math.inf, False))


def _at_least(rule: str) -> Callable[[Schema, Schema], bool]:
    return lambda writer, reader: writer.get(rule, 0) >= reader[rule]


def _at_most(rule: str) -> Callable[[Schema, Schema], bool]:
    return lambda writer, reader: writer.get(rule, math.inf) <= reader[rule]


def _keeps_lower(writer: Schema, reader: Schema) -> bool:
    return _lower(writer) >= _lower(reader)


def _keeps_upper(writer: Schema, reader: Schema) -> bool:
    return _upper(writer) >= _upper(reader)


_KEEPS: Mapping[str, Callable[[Schema, Schema], bool]] = {
    "const": _keeps_values,
    "enum": _keeps_values,
    "minimum": _keeps_lower,
    "exclusiveMinimum": _keeps_lower,
    "maximum": _keeps_upper,
    "exclusiveMaximum": _keeps_upper,
    **{rule: _at_least(rule) for rule in ("minItems", "minLength", "minProperties")},
    **{rule: _at_most(rule) for rule in ("maxItems", "maxLength", "maxProperties")},
}
"""Whether what the writer may write keeps this rule of the reader."""
