"""PostgreSQL's errors as the project's errors, by SQLSTATE: the one place that knows whose fault an error of the driver is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg

from sinks.errors import DataRefusedError, PermanentSinkError, SinkError, TransientSinkError

_TRANSIENT = (
    "08",  # connection exception
    "28",  # authorization: the password was rotated; a new connection asks for credentials again
    "40",  # transaction rollback: deadlock, serialization
    "53",  # insufficient resources
    "57P",  # the server shuts down, starts, or an operator ended the session
    "57014",  # statement timeout
    "58",  # the server's file system
    "55P03",  # lock timeout
    "25006",  # read-only: the primary moved
    "25P03",  # this process was stopped inside a transaction for too long
)
_DATA = ("22", "23", "54")


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the driver into sink errors.

    Raises TransientSinkError, DataRefusedError or PermanentSinkError. A data error is raised without its cause: PostgreSQL's detail
    quotes the failing row, which must not reach a log.
    """
    try:
        yield
    except psycopg.Error as error:
        sink_error = sink_error_of(error)
        if isinstance(sink_error, DataRefusedError):
            raise sink_error from None
        raise sink_error from error
    except UnicodeEncodeError:
        raise DataRefusedError("a string holds a lone surrogate, which is no Unicode text") from None


def sink_error_of(error: psycopg.Error) -> SinkError:
    """Return the sink error that `error` means."""
    kind = _kind_of(error)
    if kind is DataRefusedError:
        return kind("the ledger refuses a row", **_facts_of(error))
    return kind(f"ledger: {error.diag.message_primary or error}", **_facts_of(error))


def _kind_of(error: psycopg.Error) -> type[SinkError]:
    if error.sqlstate is None:
        return _kind_of_client_error(error)
    if error.sqlstate.startswith(_TRANSIENT) or _is_partition_just_made(error):
        return TransientSinkError
    if error.sqlstate.startswith(_DATA):
        return DataRefusedError
    return PermanentSinkError


def _kind_of_client_error(error: psycopg.Error) -> type[SinkError]:
    if isinstance(error, psycopg.DataError):
        return DataRefusedError
    if isinstance(error, psycopg.ProgrammingError | psycopg.NotSupportedError):
        return PermanentSinkError
    return TransientSinkError


def _is_partition_just_made(error: psycopg.Error) -> bool:
    """Whether a row was on its way into the default partition while its own partition was attached.

    PostgreSQL checks again after waiting for the lock and answers 23514, as for a CHECK, but without a constraint's name
    (ExecPartitionCheckEmitError in execMain.c). The next attempt finds the new partition.
    """
    return isinstance(error, pg.CheckViolation) and error.diag.constraint_name is None


def _facts_of(error: psycopg.Error) -> dict[str, object]:
    return {
        "sqlstate": error.sqlstate,
        "constraint": error.diag.constraint_name,
        "column": error.diag.column_name,
    }
