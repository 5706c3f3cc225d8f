"""Writes schemas/json from the models: `python -m schemas.export`. A test holds the files equal to what this writes.

A form that is new goes to schemas/json/released too, where it stays; one that breaks a released form ends the command.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from schemas.alert import ALERT_SCHEMA, Alert
from schemas.asyncapi import asyncapi_document
from schemas.dead_letter import DEAD_LETTER_SCHEMA, DeadLetter
from schemas.decision import Decision
from schemas.examples import EXAMPLES
from schemas.label import LABEL_SCHEMA, Label
from schemas.lake import COLUMNS, LAKE_COLUMNS, LAKE_SCHEMA_VERSION
from schemas.released import BreakingChangeError, release
from schemas.transaction import EVENT_SCHEMA, TransactionEvent

FOLDER = Path(__file__).parent / "json"
_READ_BY_OTHERS = ("decision", "alert")
"""Our models are strict with them, so that nothing slips in unnoticed; their published schemas are not."""
_LAKE_TYPES: dict[str, Any] = {
    "string": str,
    "double": float,
    "float": float,
    "int": int,
    "bigint": int,
    "tinyint": int,
    "decimal(18,2)": Decimal,
    "timestamp": datetime,
    "array<string>": list[str],
    "array<float>": list[float],
}


def decision_model() -> type[BaseModel]:
    """Return the model of a decision as the lake shows it, made from the one column list."""
    hints = get_type_hints(Decision)
    fields: dict[str, Any] = {}
    for column in LAKE_COLUMNS:
        kind = _LAKE_TYPES[str(column.lake)] if column.lake != "string" else hints[column.name]
        note = Field(description=column.meaning) if column.required else Field(default=None, description=column.meaning)
        fields[column.name] = (kind if column.required or column.lake == "string" else kind | None, note)
    return create_model("Decision", __config__=ConfigDict(extra="forbid"), __doc__="One row of the lake.", **fields)


def documents() -> dict[str, dict[str, Any]]:
    """Return every JSON document by file name: the schemas, each with an example, AsyncAPI's document and the data dictionary."""
    schemas = json_schemas()
    return {
        **{f"{name}.schema.json": schema for name, schema in schemas.items()},
        "asyncapi.json": asyncapi_document(schemas["transaction-event"], schemas["alert"]),
        "data-dictionary.json": {"columns": [_dictionary_entry(c) for c in COLUMNS]},
    }


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of everything that travels, each with an example, by name."""
    models: dict[str, tuple[str, type[BaseModel]]] = {
        "transaction-event": (EVENT_SCHEMA, TransactionEvent),
        "decision": (LAKE_SCHEMA_VERSION, decision_model()),
        "alert": (ALERT_SCHEMA, Alert),
        "dead-letter": (DEAD_LETTER_SCHEMA, DeadLetter),
        "label": (LABEL_SCHEMA, Label),
    }
    exported = {name: _schema(name, version, model) for name, (version, model) in models.items()}
    return {name: _opened(schema) if name in _READ_BY_OTHERS else schema for name, schema in exported.items()}


def _opened(part: Any) -> Any:
    """Return `part` without closed objects: whoever reads ignores the fields that a later release adds."""
    if isinstance(part, list):
        return [_opened(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {name: value for name, value in part.items() if name != "additionalProperties" or value is not False}
    return {name: _opened(value) for name, value in kept.items()}


def _schema(name: str, version: str, model: type[BaseModel]) -> dict[str, Any]:
    body = model.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:fraudstream:{version}",
        **body,
        "examples": EXAMPLES[name],
    }


def _dictionary_entry(column: Any) -> dict[str, Any]:
    ledger = column.ledger.split(" check", 1)[0] if column.ledger else None
    return {
        "name": column.name,
        "ledger": ledger,
        "lake": column.lake,
        "required": column.required,
        "meaning": column.meaning,
    }


def render(document: dict[str, Any]) -> str:
    """Return the text of one file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every file and return their paths, those of newly released forms last. Raises BreakingChangeError when it has written."""
    folder.mkdir(exist_ok=True)
    paths = []
    for name, document in documents().items():
        path = folder / name
        path.write_text(render(document))
        paths.append(path)
    released = [release(name, schema, folder / "released") for name, schema in json_schemas().items()]
    return paths + [path for path in released if path]


if __name__ == "__main__":
    try:
        for written in write():
            print(f"wrote {written}")  # noqa: T201 - a command prints
    except BreakingChangeError as error:
        raise SystemExit(str(error)) from None
