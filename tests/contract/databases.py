"""Databases for tests: one embedded PostgreSQL a test process, started when first asked for, and a database for each module."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.local.postgres import EmbeddedPostgres
from sinks.ledger.migrations import migrate
from tests.builders import NOW

_EMPTY = b"""
truncate fraudstream.decision, fraudstream.refused, fraudstream.alert_outbox, fraudstream.merchant_hour, fraudstream.merchant_fraud,
    fraudstream.label, fraudstream.reservation, fraudstream.api_key;
update fraudstream.roll_up set hours_until = 0;
"""


@cache
def cluster() -> EmbeddedPostgres:
    folder = Path(tempfile.mkdtemp(prefix="fraudstream-tests-"))
    server = EmbeddedPostgres(folder / "postgres.log")
    atexit.register(shutil.rmtree, folder)  # after the server: last registered, first called
    atexit.register(server.close)
    return server.__enter__()


def empty_database() -> str:
    """Create a database of its own and return its address."""
    name = f"test_{uuid4().hex}"
    execute(cluster().url, sql.SQL("create database {}").format(sql.Identifier(name)))
    return make_conninfo(cluster().url, dbname=name)


def migrated_database() -> str:
    """Create a database with the ledger's schema and the partitions around `NOW`."""
    dsn = empty_database()
    migrate(dsn, NOW)
    return dsn


def empty_tables(dsn: str) -> None:
    execute(dsn, _EMPTY)


def execute(dsn: str, statement: bytes | sql.Composed) -> list[tuple[object, ...]]:
    """Execute one statement as the owner and return its rows, if it gives any."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []
