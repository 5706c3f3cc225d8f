"""Whose fault an error is: the row's, ours, or the network's; and what an error leaves behind and may say."""

from __future__ import annotations

import traceback
from decimal import Decimal

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from sinks.errors import DataRefusedError, PermanentSinkError, TransientSinkError
from sinks.ledger.errors import sink_error_of
from sinks.ledger.postgres import PostgresLedger
from sinks.ledger.queries import query
from tests.contract.databases import execute
from tests.contract.ledger_builders import a_decision, a_delivery, a_position, a_refusal

pytestmark = pytest.mark.real


def count(dsn: str) -> object:
    return execute(dsn, b"select count(*) from fraudstream.decision")[0][0]


def test_a_missing_right_is_our_fault(database_url: str) -> None:
    execute(database_url, b"drop role if exists guest")
    execute(database_url, b"create role guest login password 'guest'")
    execute(database_url, b"grant usage on schema fraudstream to guest")
    execute(database_url, b"grant select on fraudstream.schema_version to guest")
    ledger = PostgresLedger(make_conninfo(database_url, user="guest", password="guest"))

    for call in (lambda: ledger.commit([a_decision()], [], []), lambda: ledger.look_up([], [a_delivery(a_position())])):
        with pytest.raises(PermanentSinkError, match="permission denied"):
            call()
    ledger.close()
    execute(database_url, b"drop owned by guest")
    execute(database_url, b"drop role guest")


def test_a_refused_row_is_not_quoted_in_the_error(ledger: PostgresLedger) -> None:
    secret = a_decision("secret-transaction", amount=Decimal("NaN"), card_id="secret-card")

    with pytest.raises(DataRefusedError) as refused:
        ledger.commit([secret], [], [])

    assert "secret-" not in "".join(traceback.format_exception(refused.value))
    assert refused.value.facts["sqlstate"] == "23514"


def test_a_refused_row_leaves_the_connection_open(ledger: PostgresLedger) -> None:
    ledger.check()
    before = ledger._session._connection

    with pytest.raises(DataRefusedError):
        ledger.commit([a_decision(amount=Decimal("NaN"))], [], [])

    assert before is not None
    assert ledger._session._connection is before
    assert not before.closed


def test_an_error_of_the_caller_drops_the_connection_and_passes(ledger: PostgresLedger) -> None:
    with pytest.raises(ZeroDivisionError), ledger._session.use() as connection:  # noqa: PT012 - the block is the subject
        connection.execute("begin")
        raise ZeroDivisionError

    assert connection.closed
    ledger.check()


def test_a_refusal_that_does_not_fit_rolls_the_decisions_back(ledger: PostgresLedger, database_url: str) -> None:
    too_long = a_refusal(position=a_position(shard_id="s" * 129))

    with pytest.raises(DataRefusedError):
        ledger.commit([a_decision()], [], [too_long])

    assert count(database_url) == 0


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("08006", TransientSinkError),
        ("53300", TransientSinkError),
        ("57P01", TransientSinkError),
        ("57014", TransientSinkError),
        ("40P01", TransientSinkError),
        ("40001", TransientSinkError),
        ("55P03", TransientSinkError),
        ("25006", TransientSinkError),
        ("25P03", TransientSinkError),
        ("28P01", TransientSinkError),
        ("58030", TransientSinkError),
        ("22003", DataRefusedError),
        ("23502", DataRefusedError),
        ("54000", DataRefusedError),
        ("42P01", PermanentSinkError),
        ("42501", PermanentSinkError),
        ("0A000", PermanentSinkError),
        ("XX000", PermanentSinkError),
    ],
)
def test_the_class_of_the_sqlstate_says_whose_fault_it_is(sqlstate: str, expected: type[Exception]) -> None:
    assert type(sink_error_of(pg.lookup(sqlstate)("something"))) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError, TransientSinkError),
        (psycopg.InterfaceError, TransientSinkError),
        (psycopg.DataError, DataRefusedError),
        (psycopg.ProgrammingError, PermanentSinkError),
        (psycopg.NotSupportedError, PermanentSinkError),
    ],
)
def test_without_a_sqlstate_the_driver_itself_complains(error: type[psycopg.Error], expected: type[Exception]) -> None:
    assert type(sink_error_of(error("something"))) is expected


def test_every_statement_is_in_a_file_of_its_own() -> None:
    assert query("insert_decisions").startswith(b"--")
    with pytest.raises(FileNotFoundError):
        query("no_such_statement")
