"""One connection to the ledger: opened when first needed, opened again after a failure, with the settings of effects.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal, NewType

import psycopg
from psycopg.conninfo import make_conninfo

from sinks.errors import DataRefusedError
from sinks.ledger.errors import translated

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]
Dsn = str | Callable[[], str]
"""The database's address, or what fetches it: asked again for every connection, because passwords rotate."""
SetUp = Callable[[Connection], None]
Lock = NewType("Lock", str)
"""Name of an advisory lock; all names live in one space per database."""


class Session:
    """A connection for one thread of one process: make the session after the fork, never share it.

    Autocommit is on: a statement is its own transaction unless the user opens one. No statement is prepared, unless `set_up` says so:
    a plan made while the tables were empty would be kept when they are not. Starts no threads.
    """

    def __init__(
        self,
        dsn: Dsn,
        application_name: str,
        set_up: SetUp,
        *,
        target: Literal["read-write", "any"] = "read-write",
    ) -> None:
        self._dsn = dsn
        self._application_name = application_name
        self._set_up = set_up
        self._target = target
        self._connection: Connection | None = None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Give the open connection; raises sink errors for the driver's. It is dropped unless only a row was refused."""
        try:
            with translated():
                yield self._open()
        except DataRefusedError:
            raise
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next use opens another. Never raises."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._dsn, self._application_name, target=self._target)
            self._set_up(self._connection)
        return self._connection


def connect(dsn: Dsn, application_name: str, *, target: Literal["read-write", "any"] = "read-write") -> Connection:
    """Open a connection that notices a dead peer within seconds. Raises the driver's errors."""
    conninfo = make_conninfo(
        dsn if isinstance(dsn, str) else dsn(),
        application_name=application_name,
        client_encoding="UTF8",
        connect_timeout=5,
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,  # the kernel looks at tcp_user_timeout only when a probe is due; the default is 75 s
        tcp_user_timeout=15_000,
        target_session_attrs=target,
    )
    return psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)


@contextmanager
def pipelined_transaction(connection: Connection) -> Iterator[None]:
    """Begin, and commit unless something is raised; each statement is sent without waiting for the answer to the one before.

    Not psycopg's own `transaction()`, which would wait for the answer to each of its commands.
    """
    try:
        with connection.pipeline():
            connection.execute(b"BEGIN")
            yield
            connection.execute(b"COMMIT", prepare=False)  # so that a proxy that cuts lines on purpose can read it
    except BaseException:
        with suppress(psycopg.Error):  # what was raised says more
            connection.rollback()
        raise
