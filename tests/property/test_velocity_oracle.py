"""Every vector that the pipeline stores is the oracle's, bit for bit, over a stream that is hard on windows.

FRAUDSTREAM_TEST_ORACLE_EVENTS says how long the stream is, FRAUDSTREAM_TEST_SEED from which seed.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pytest

from consumer.scoring.features import EVENT, VELOCITY, MemoryTerms
from schemas.decision import Decision
from sinks.feedback import StoredLabel
from tests.oracle import plain
from tests.oracle.ledger_rows import EARTH_KM, NAMES, NEWEST, Vectors, differences, ledger_rows
from tests.pipeline_builders import World
from tests.property.velocity_backfill import backfilled
from tests.property.velocity_run import Run, Trouble, in_memory, in_postgres, known_frauds, stored_vectors
from tests.property.velocity_stream import Stream, hard_stream

EVENTS = int(os.environ.get("FRAUDSTREAM_TEST_ORACLE_EVENTS", "12000"))
SEED = int(os.environ.get("FRAUDSTREAM_TEST_SEED", "1"))


class Streamed(NamedTuple):
    """Decisions and labels that stand in a ledger."""

    decisions: list[Decision]
    labels: list[StoredLabel]


@cache
def stream_of(size: int) -> Stream:
    return hard_stream(size, SEED)


def test_the_columns_that_come_after_those_of_the_event_are_the_oracles() -> None:
    assert VELOCITY.names == (*EVENT.names, *NAMES)


@pytest.fixture(scope="module")
def streamed() -> Streamed:
    """What the whole stream left in PostgreSQL, in its order."""
    world = World()
    with in_postgres(world) as subject:
        Run(world, subject, Random(SEED), MemoryTerms(), Trouble()).consume(stream_of(EVENTS))
        decisions, labels = subject.read()
    return Streamed(sorted(decisions, key=lambda row: row.position), labels)


@pytest.mark.real
def test_every_vector_in_postgresql_is_the_oracles(streamed: Streamed) -> None:
    _require_hard(_require_equal(*streamed))


@pytest.mark.real
def test_every_vector_of_a_backfill_is_the_oracles_and_the_streams(streamed: Streamed, tmp_path: Path) -> None:
    events = {row.position: row.identity for row in streamed.decisions}
    ids = Counter(row.transaction_id for row in streamed.decisions)
    told = [label for label in streamed.labels if ids[label.transaction_id] == 1]
    arrived = [record.data for record in stream_of(EVENTS).records if record.position in events]
    by_identity = backfilled(arrived, told, tmp_path)
    vectors = np.array([by_identity[row.identity] for row in streamed.decisions], np.float32)

    rows = ledger_rows(streamed.decisions)
    expected = plain.vectors(rows, known_frauds(told))
    assert [*islice(differences(expected, np.ascontiguousarray(vectors[:, len(EVENT.names) :]), rows), 10)] == []
    shares = [number for number, name in enumerate(VELOCITY.names) if name.startswith("merchant_fraud_share")]
    stored = np.frombuffer(b"".join(row.features for row in streamed.decisions), "<f4").reshape(vectors.shape)
    assert np.delete(vectors, shares, 1).tobytes() == np.delete(stored, shares, 1).tobytes()


@pytest.mark.parametrize("most", [0, 300, 250_000], ids=["remembers nobody", "remembers few", "remembers all"])
def test_every_vector_is_the_oracles_after_restarts_and_lost_answers(most: int) -> None:
    world = World()
    with in_memory(world) as subject:
        run = Run(world, subject, Random(SEED), MemoryTerms(most, most), Trouble(restarts=0.1, lost_answers=0.1))
        run.consume(stream_of(EVENTS // 6))
        _require_equal(*subject.read())
    assert run.restarts
    assert run.lost_answers


def _require_equal(decisions: list[Decision], labels: list[StoredLabel]) -> Vectors:
    in_order = sorted(decisions, key=lambda row: row.position)
    rows = ledger_rows(in_order)
    expected = plain.vectors(rows, known_frauds(labels))
    found = differences(expected, stored_vectors(in_order), rows)
    assert [*islice(found, 10)] == []
    return expected


def _require_hard(expected: Vectors) -> None:
    """What the stream is meant to be hard on, it is: nothing is missing always, and windows reach the most that they hold."""
    most = dict(zip(NAMES, np.nanmax(expected, axis=0), strict=True))
    assert not np.isnan(expected).all(axis=0).any()
    assert most["user_count_30d"] == NEWEST + 1
    assert most["user_distance_km"] == pytest.approx(2 * EARTH_KM, rel=1e-3)
    assert min(most[f"merchant_fraud_share_{window}"] for window in ("1d", "7d", "30d")) > 0
