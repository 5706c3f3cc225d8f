"""The SQL that the ledger speaks, each statement in a file of its own and read once. Apart, so that SQL is read and tried as SQL."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from psycopg import sql

from sinks.feedback import StoredLabel
from sinks.front import ApiKey
from sinks.ledger.rows import ALERT_COLUMNS, DECISION_COLUMNS, REFUSED_COLUMNS, sent_types

_SQL = files("sinks.ledger") / "sql"


class Migration(NamedTuple):
    """One step of the schema: its number, its file name and what it executes."""

    version: int
    name: str
    script: bytes


@cache
def query(name: str) -> bytes:
    """Return the statement in `sql/queries/<name>.sql` with its column lists filled in. Raises FileNotFoundError."""
    text = (_SQL / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    for placeholder, columns in _column_lists().items():
        text = text.replace(placeholder, columns)
    return text.encode()


def template(name: str) -> sql.SQL:
    """Return a statement whose placeholders are names and bounds, for DDL, which takes no parameters."""
    return sql.SQL(query(name).decode())


def migrations() -> tuple[Migration, ...]:
    """Return every migration, in order. File names start with the four digits of the version."""
    found = [file for file in (_SQL / "migrations").iterdir() if file.name.endswith(".sql")]
    return tuple(Migration(int(f.name[:4]), f.name, f.read_bytes()) for f in sorted(found, key=lambda file: file.name))


def _column_lists() -> dict[str, str]:
    return {
        "{columns}": ", ".join(DECISION_COLUMNS),
        "{unnested_columns}": ", ".join(map(_unnested, DECISION_COLUMNS, sent_types())),
        "{decision_values}": ", ".join(f"%({name})s" for name in DECISION_COLUMNS),
        "{decision_columns}": _columns_of("d", DECISION_COLUMNS),
        "{refused_columns}": _columns_of("r", REFUSED_COLUMNS),
        "{alert_columns}": _columns_of("o", ALERT_COLUMNS),
        "{label_columns}": _columns_of("l", StoredLabel._fields),
        "{api_key_columns}": _columns_of("k", ApiKey._fields),
    }


def _unnested(name: str, kind: str) -> str:
    return f"unnest(%({name})s::{kind}[]) as {name}"


def _columns_of(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)
