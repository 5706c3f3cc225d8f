"""PostgreSQL for the peers: one server, and for each run a fresh copy of a database that has everybody's tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from consumer.bench.cpu import family_cpu_s
from infra.local.postgres import EmbeddedPostgres
from sinks.ledger.migrations import migrate

_TEMPLATE = "peers"


class PeerDatabases:
    """Gives databases that nobody has used; `table` is the statement that makes the peers' own."""

    def __init__(self, server: EmbeddedPostgres, table: str) -> None:
        self._server, self._numbers = server, count(1)
        self._execute("create database {name}", name=_TEMPLATE)
        template = make_conninfo(server.url, dbname=_TEMPLATE)
        migrate(template, datetime.now(UTC))
        with psycopg.connect(template, autocommit=True) as connection:
            connection.execute(table.encode())

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the address of a database with empty tables; dropped at the end. Nothing of an earlier run is left to be written."""
        name = f"run_{next(self._numbers)}"
        self._execute("create database {name} template {template}", name=name, template=_TEMPLATE)
        self._execute("checkpoint")
        try:
            yield make_conninfo(self._server.url, dbname=name)
        finally:
            self._execute("drop database {name} with (force)", name=name)

    def cpu_s(self) -> float:
        """Return the seconds of CPU that all of the server's processes have used."""
        return family_cpu_s(self._server.pid) if self._server.pid else 0.0

    def _execute(self, statement: LiteralString, **names: str) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()}))


@contextmanager
def peer_databases(folder: Path, table: str) -> Iterator[PeerDatabases]:
    """Start the server. A commit waits for the disk (fsync), as with every database in production."""
    with EmbeddedPostgres(folder / "postgres.log", fsync=True) as server:
        yield PeerDatabases(server, table)


def rows_of(address: str, table: str) -> int:
    """Return how many rows stand in `table`."""
    with psycopg.connect(address) as connection:
        found = connection.execute(
            sql.SQL("select count(*) from {}").format(sql.Identifier(*table.split(".")))
        ).fetchone()
    return int(found[0]) if found else 0
