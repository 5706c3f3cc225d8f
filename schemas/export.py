"""Writes schemas/json from the models: `python -m schemas.export`. A test holds the files equal to what this writes."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from schemas.alert import ALERT_SCHEMA, Alert
from schemas.dead_letter import DEAD_LETTER_SCHEMA, DeadLetter
from schemas.decision import Decision
from schemas.examples import EXAMPLES
from schemas.label import LABEL_SCHEMA, Label
from schemas.lake import COLUMNS, LAKE_COLUMNS, LAKE_SCHEMA_VERSION
from schemas.transaction import EVENT_SCHEMA, TransactionEvent

FOLDER = Path(__file__).parent / "json"
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
    """Return every JSON document by file name: the schemas, each with an example, and the data dictionary."""
    models: dict[str, tuple[str, type[BaseModel]]] = {
        "transaction-event": (EVENT_SCHEMA, TransactionEvent),
        "decision": (LAKE_SCHEMA_VERSION, decision_model()),
        "alert": (ALERT_SCHEMA, Alert),
        "dead-letter": (DEAD_LETTER_SCHEMA, DeadLetter),
        "label": (LABEL_SCHEMA, Label),
    }
    exported = {f"{name}.schema.json": _schema(name, version, model) for name, (version, model) in models.items()}
    return {**exported, "data-dictionary.json": {"columns": [_dictionary_entry(c) for c in COLUMNS]}}


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
    """Write every file and return their paths."""
    folder.mkdir(exist_ok=True)
    paths = []
    for name, document in documents().items():
        path = folder / name
        path.write_text(render(document))
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write():
        print(f"wrote {written}")  # noqa: T201 - a command prints
