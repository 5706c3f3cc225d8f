"""Clients' keys in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sinks.front import ApiKey
from sinks.ledger.connection import Connection, Dsn, Session
from sinks.ledger.constraints import is_text
from sinks.ledger.migrations import check_schema
from sinks.ledger.queries import query


class PostgresApiKeys:
    """A `sinks.front.ApiKeys` on a connection of its own, for one thread."""

    def __init__(self, dsn: Dsn, *, application_name: str = "fraudstream-keys") -> None:
        self._session = Session(dsn, application_name, _set_up)

    def add(self, key: ApiKey) -> None:
        """See `sinks.front.ApiKeys.add`."""
        with self._session.use() as connection:
            connection.execute(query("insert_api_key"), key._asdict() | {"scopes": sorted(key.scopes)})

    def find(self, key_id: str) -> ApiKey | None:
        """See `sinks.front.ApiKeys.find`."""
        if not is_text(key_id):
            return None
        with self._session.use() as connection:
            rows = connection.execute(query("find_api_key"), {"key_id": key_id}, binary=True).fetchall()
        return _row_to_key(rows[0]) if rows else None

    def all(self) -> Sequence[ApiKey]:
        """See `sinks.front.ApiKeys.all`."""
        with self._session.use() as connection:
            return [*map(_row_to_key, connection.execute(query("all_api_keys"), binary=True))]

    def revoke(self, key_id: str, at: datetime) -> bool:
        """See `sinks.front.ApiKeys.revoke`."""
        if not is_text(key_id):
            return False
        with self._session.use() as connection:
            return connection.execute(query("revoke_api_key"), {"key_id": key_id, "at": at}).rowcount == 1

    def close(self) -> None:
        """See `sinks.front.ApiKeys.close`."""
        self._session.close()


def _row_to_key(row: Sequence[Any]) -> ApiKey:
    key = ApiKey._make(row)
    return key._replace(scopes=frozenset(key.scopes))


def _set_up(connection: Connection) -> None:
    check_schema(connection)
    connection.execute(query("session"))
