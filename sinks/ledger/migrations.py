"""The ledger's schema and its version: made by `fraudstream migrate`, only checked by everyone else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sinks.errors import SchemaVersionError
from sinks.ledger.connection import Connection, Dsn, Lock, connect
from sinks.ledger.errors import translated
from sinks.ledger.partitions import ensure_partitions
from sinks.ledger.queries import Migration, migrations, query

_LOCK = Lock("fraudstream.migrate")


class MigrationReport(NamedTuple):
    """What `migrate` did: file names applied (none if it ran before), the version now, partitions made."""

    applied: tuple[str, ...]
    version: int
    partitions: tuple[str, ...]


def required_version() -> int:
    """Return the version that this code needs at least."""
    return migrations()[-1].version


def migrate(dsn: Dsn, now: datetime) -> MigrationReport:
    """Bring the schema to this code's version and make the partitions around `now`; running it again changes nothing.

    Each migration is one transaction; whoever runs it at the same time waits. Raises TransientSinkError, PermanentSinkError, or
    SchemaVersionError if the database cannot hold any Unicode text.
    """
    with translated(), connect(dsn, "fraudstream-migrate") as connection:
        connection.execute(query("migration_session"))
        _check_encoding(connection)
        connection.execute(query("session_lock"), {"name": _LOCK})
        applied = [step for step in migrations() if _apply(connection, step)]
        partitions = ensure_partitions(connection, now)
        return MigrationReport(tuple(step.name for step in applied), schema_version(connection), partitions)


def check_schema(connection: Connection) -> None:
    """Raise SchemaVersionError if the schema is older than this code needs.

    A newer one passes: migrations only add, so that the workers of the last release go on while a deploy is under way.
    """
    found, needed = schema_version(connection), required_version()
    if found < needed:
        raise SchemaVersionError(
            f"the ledger's schema is at version {found}, this release needs {needed}: run `fraudstream migrate`",
            found=found,
            needed=needed,
        )


def schema_version(connection: Connection) -> int:
    """Return the schema's version, 0 if there is none."""
    exists: bool = _value_of(connection, "schema_exists")
    return int(_value_of(connection, "schema_version")) if exists else 0


def _apply(connection: Connection, step: Migration) -> bool:
    if step.version <= schema_version(connection):
        return False
    with connection.transaction():
        connection.execute(step.script)
        connection.execute(query("record_migration"), {"version": step.version, "name": step.name})
    return True


def _check_encoding(connection: Connection) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise SchemaVersionError(f"the database's encoding is {encoding}: create it with encoding 'UTF8'")


def _value_of(connection: Connection, name: str) -> Any:
    row = connection.execute(query(name)).fetchone()
    return row[0] if row else None
