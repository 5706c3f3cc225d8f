"""Weekly partitions of the decisions: few, so that a cold user's history is a few index probes, and made ahead of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from psycopg import sql

from sinks.ledger.connection import Connection, Dsn, Lock, connect
from sinks.ledger.errors import translated
from sinks.ledger.queries import query, template

_LOCK = Lock("fraudstream.partitions")
_WEEK = timedelta(days=7)
BEHIND = timedelta(days=8)
AHEAD = timedelta(weeks=3)


class Week(NamedTuple):
    """An ISO week in UTC: Monday 00:00 inclusive to the next Monday exclusive."""

    first: datetime
    end: datetime

    @property
    def partition(self) -> str:
        """The partition's name; sorts by time."""
        year, week, _ = self.first.isocalendar()
        return f"decision_{year:04}w{week:02}"


def week_of(moment: datetime) -> Week:
    """Return the week that `moment` (aware) is in."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=midnight.weekday())
    return Week(first, first + _WEEK)


def weeks_around(now: datetime) -> tuple[Week, ...]:
    """Return the weeks from `BEHIND` before `now` to `AHEAD` after it."""
    first, last = week_of(now - BEHIND), week_of(now + AHEAD)
    return tuple(week_of(first.first + i * _WEEK) for i in range((last.first - first.first) // _WEEK + 1))


def ensure_partitions(connection: Connection, now: datetime) -> tuple[str, ...]:
    """Make the partitions around `now` that are missing and return their names.

    One transaction under an advisory lock. Rows of these weeks that the default partition holds move into their partition; writers
    of the default partition wait meanwhile. Raises the driver's errors.
    """
    with connection.transaction():
        connection.execute(query("lock"), {"name": _LOCK})
        present = _partitions(connection)
        missing = [week for week in weeks_around(now) if week.partition not in present]
        for week in missing:
            _make(connection, week)
    return tuple(week.partition for week in missing)


def make_partitions(dsn: Dsn, now: datetime) -> tuple[str, ...]:
    """Do `ensure_partitions` on a connection of its own, for housekeeping. Raises TransientSinkError or PermanentSinkError."""
    with translated(), connect(dsn, "fraudstream-partitions") as connection:
        connection.execute(query("migration_session"))
        return ensure_partitions(connection, now)


def drop_partitions(connection: Connection, before: datetime) -> tuple[str, ...]:
    """Drop the weekly partitions that end at or before `before` and return their names. The default partition stays.

    Nobody calls this unasked: `before` must lie further back than the stream's retention and the lake's newest chunk, or a replay
    would decide again what was decided. Raises the driver's errors.
    """
    with connection.transaction():
        connection.execute(query("lock"), {"name": _LOCK})
        # A week ends by `before` exactly if its name sorts before that of the week in which `before` is.
        dropped = sorted(name for name in _partitions(connection) if name < week_of(before).partition)
        for name in dropped:
            connection.execute(template("drop_partition").format(partition=sql.Identifier(name)))
    return tuple(dropped)


def _partitions(connection: Connection) -> set[str]:
    """Return the names of the weekly partitions that are attached."""
    names = {str(row[0]) for row in connection.execute(query("partitions"))}
    return names - {"decision_default"}


def _make(connection: Connection, week: Week) -> None:
    statement = template("make_partition").format(
        partition=sql.Identifier(week.partition), first=sql.Literal(week.first), end=sql.Literal(week.end)
    )
    connection.execute(statement)
