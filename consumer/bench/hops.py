"""When each event was due, received, scored, committed and told: gathered after the run, so that looking costs the run nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import psycopg

from consumer.bench.deployment import System
from consumer.bench.load import prefix_of
from consumer.chaos.waiting import BrokenPromiseError

Moments = npt.NDArray[np.float64]
HOPS = (
    "put → received",
    "received → scored",
    "received → committed",
    "put → committed",
    "put → alert",
)
"""The hops in the order of the report."""

_ROWS = """
select
    right(transaction_id, 8)::integer,
    extract(epoch from received_at)::double precision,
    extract(epoch from scored_at)::double precision,
    extract(epoch from pg_xact_commit_timestamp(xmin))::double precision
from fraudstream.decision
where transaction_id between %(first)s and %(last)s
"""
_FLUSHES = "select coalesce(sum(fsyncs), 0), coalesce(sum(fsync_time), 0) from pg_stat_io where object = 'wal'"


class Flushes(NamedTuple):
    """How often PostgreSQL has made its log durable, and the milliseconds that this took in all."""

    number: int
    took_ms: float

    def mean_ms_since(self, before: Flushes) -> float:
        """Return how long one took on average since then, 0 where there was none."""
        number = self.number - before.number
        return (self.took_ms - before.took_ms) / number if number else 0.0


def hops_ms(system: System, first: int, end: int, flush_ms: float) -> dict[str, Moments]:
    """Return the milliseconds of each hop, of the events [first, end) that took it.

    PostgreSQL stamps a commit before it flushes its log: `flush_ms` is added. Raises BrokenPromiseError where an event is undecided.
    """
    put, received, scored, stamped = due_s(system, end), *_decided_s(system, first, end)
    committed, (numbers, told) = stamped + flush_ms / 1000, alerts_s(system, first, end)
    spans = {
        "put → received": received - put[first:end],
        "received → scored": scored - received,
        "received → committed": committed - received,
        "put → committed": committed - put[first:end],
        "put → alert": told - put[numbers],
    }
    return {hop: spans[hop] * 1000 for hop in HOPS}


def percentiles(values: Moments, quantiles: Mapping[str, float]) -> dict[str, float]:
    """Return each quantile that the values can tell: one of 0.99 takes a hundred of them. The greater neighbour where it lies between."""
    enough = {name: q for name, q in quantiles.items() if len(values) * (1 - q) >= 1 - 1e-9}
    return {name: float(np.quantile(values, q, method="higher")) for name, q in enough.items()}


def due_s(system: System, end: int) -> Moments:
    """Return when each of the first `end` events was due, in seconds since 1970."""
    notes = system.loader.notes()
    due = np.repeat(notes["intended_s"], notes["end"] - notes["first"])
    return np.asarray(due[:end], np.float64)


def _decided_s(system: System, first: int, end: int) -> tuple[Moments, Moments, Moments]:
    """Return when each event was received, scored and committed."""
    prefix = prefix_of(system.loader.load.seed)
    limits = {"first": f"{prefix}-{first:08d}", "last": f"{prefix}-{end - 1:08d}"}
    with psycopg.connect(system.deployment.database_url) as connection:
        rows = connection.execute(_ROWS, limits).fetchall()
    table = np.array(sorted(rows), np.float64).reshape(-1, 4)
    if len(table) != end - first or not np.array_equal(table[:, 0], np.arange(first, end)):
        raise BrokenPromiseError(f"{end - first:,} events were sent, {len(table):,} rows are in the ledger")
    return table[:, 1], table[:, 2], table[:, 3]


def alerts_s(system: System, first: int, end: int) -> tuple[npt.NDArray[np.int64], Moments]:
    """Empty the queue; return the numbers of the events in [first, end) that alerts are about, and when these arrived in the queue."""
    sqs, url = system.environment.client("sqs"), system.deployment.resources.queue_url
    found: list[tuple[int, float]] = []
    while messages := _received(sqs, url):
        found += [
            (_number_of(message["Body"]), int(message["Attributes"]["SentTimestamp"]) / 1000) for message in messages
        ]
    inside = [(number, at_s) for number, at_s in found if first <= number < end]
    return np.array([number for number, _ in inside], np.int64), np.array([at_s for _, at_s in inside], np.float64)


def flushes(system: System) -> Flushes:
    """Return what PostgreSQL has counted so far."""
    with psycopg.connect(system.deployment.database_url) as connection:
        number, took_ms = connection.execute(_FLUSHES).fetchone() or (0, 0.0)
    return Flushes(int(number), float(took_ms))


def _received(sqs: Any, url: str) -> list[Any]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"])
    messages = list(answer.get("Messages", ()))
    if messages:
        entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return messages


def _number_of(body: str) -> int:
    return int(msgspec.json.decode(body)["transaction_id"][-8:])
