"""What an audit sees of a running system: every order of the readings, and faults that no reading explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import pytest

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence, LakeRow
from schemas.position import Position, ShardId, StreamPosition
from tests.audit_builders import RECORDS, WHOLE, an_evidence, faults
from tests.pipeline_builders import EPOCH, SHARD, a_record

NEWBORN = ShardId("shardId-000000000009")


@cache
def _after(records: int) -> Evidence:
    return an_evidence(RECORDS[:records])


def _seen(*, checkpoint: int, stream: int, ledger: int, later: int) -> Evidence:
    """Evidence whose readings saw the first so many of the records: the system went on in between."""
    at, after = _after(ledger), _after(later)
    return replace(
        at,
        checkpoints={SHARD: Position(checkpoint)} if checkpoint else {},
        published=RECORDS[:stream],
        lake=after.lake,
        dead_letters=after.dead_letters,
        received=after.received,
    )


@pytest.mark.parametrize("checkpoint", range(6))
def test_a_running_system_is_clean_whenever_it_is_read(checkpoint: int) -> None:
    for stream, ledger, later in product(range(checkpoint, 6), repeat=3):
        if ledger <= later:
            evidence = _seen(checkpoint=checkpoint, stream=stream, ledger=ledger, later=later)
            assert faults(evidence) == {}, (stream, ledger, later, audit(evidence).findings)


def test_what_is_in_flight_is_pending() -> None:
    report = audit(_seen(checkpoint=0, stream=1, ledger=1, later=5))
    in_lake, letters, received = 2, 1, 1
    assert report.counts["pending"] == in_lake + letters + received


def test_the_audit_is_complete_once_all_is_checkpointed() -> None:
    assert audit(_seen(checkpoint=5, stream=5, ledger=5, later=5)).is_complete


def _moved(row: LakeRow, **values: Any) -> LakeRow:
    return LakeRow(row.key, {**row.values, **values})


def _decided_at(evidence: Evidence, position: StreamPosition) -> Evidence:
    sequence_number = str(position.sequence_number)
    row = evidence.decisions[0]._replace(
        transaction_id="x", shard_id=position.shard_id, sequence_number=sequence_number
    )
    return replace(evidence, decisions=[*evidence.decisions, row], policies={})


def test_decisions_of_a_shard_that_a_split_just_made_are_pending() -> None:
    report = audit(_decided_at(WHOLE, StreamPosition(EPOCH, NEWBORN, 9)))
    assert (report.is_clean, report.counts["pending"], report.counts["trimmed"]) == (True, 2, 0)


RUNNING = replace(WHOLE, checkpoints={})
AHEAD = _seen(checkpoint=0, stream=5, ledger=1, later=5)


def _rows(evidence: Evidence, *rows: LakeRow) -> Evidence:
    return replace(evidence, lake=[*evidence.lake, *rows])


def _letters(evidence: Evidence, *positions: int) -> Evidence:
    letter = next(iter(WHOLE.dead_letters.values()))
    places = {StreamPosition(EPOCH, SHARD, number): letter for number in positions}
    return replace(evidence, dead_letters={**evidence.dead_letters, **places})


def _message(evidence: Evidence, sequence_number: int) -> Evidence:
    message = {**(WHOLE.received or [{}])[0], "alert_id": "00000000-0000-0000-0000-000000000001"}
    position = {**message["position"], "sequence_number": str(sequence_number)}
    return replace(evidence, received=[*(evidence.received or []), {**message, "position": position}])


FAULTS = {
    "a decision between the records": (
        replace(RUNNING, published=[r for r in RECORDS if r.position.sequence_number != 2]),
        {"mismatched": 1},
    ),
    "a decision at a checkpointed place beyond the last record": (
        _decided_at(replace(WHOLE, checkpoints={SHARD: Position(9)}), StreamPosition(EPOCH, SHARD, 7)),
        {"mismatched": 1, "lost": 1},
    ),
    "a decision after the end of the shard": (
        _decided_at(replace(WHOLE, checkpoints={SHARD: "SHARD_END"}), StreamPosition(EPOCH, SHARD, 7)),
        {"mismatched": 1, "lost": 1},
    ),
    "a decision inside a record that is no aggregate": (
        replace(RUNNING, decisions=[RUNNING.decisions[0]._replace(sub_sequence=3), *RUNNING.decisions[1:]]),
        {"mismatched": 1, "duplicated": 1},
    ),
    "a row in flight that stands twice": (_rows(AHEAD, AHEAD.lake[0]), {"duplicated": 1}),
    "a row in flight of an event that was decided elsewhere": (
        _rows(AHEAD, _moved(AHEAD.lake[1], sequence_number="9")),
        {"duplicated": 1},
    ),
    "a row of a refused record": (
        _rows(RUNNING, _moved(RUNNING.lake[0], transaction_id="x", sequence_number="3")),
        {"mismatched": 1},
    ),
    "a row of a record that a chunk passed by": (
        _rows(replace(WHOLE, checkpoints={SHARD: Position(5)}), _moved(WHOLE.lake[0], transaction_id="x", sequence_number="5")),
        {"mismatched": 1},
    ),
    "a row of another epoch": (
        _rows(RUNNING, _moved(RUNNING.lake[0], transaction_id="x", stream_epoch="20250101T000000Z")),
        {"mismatched": 1},
    ),
    "a dead letter of a decided record": (_letters(RUNNING, 1), {"mismatched": 1}),
    "a dead letter of a record that the checkpoint passed": (_letters(WHOLE, 5), {"mismatched": 1}),
    "a message of a decided record that raised no alert": (_message(RUNNING, 1), {"mismatched": 1}),
    "a message of a record that the checkpoint passed": (_message(WHOLE, 5), {"mismatched": 1}),
    "a record without a verdict that the checkpoint passed": (
        replace(WHOLE, published=[*RECORDS, a_record(6)], checkpoints={SHARD: Position(6)}),
        {"lost": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_seen_in_a_running_system_too(what: str) -> None:
    evidence, expected = FAULTS[what]
    assert faults(evidence) == expected, audit(evidence).findings


def _positions(evidence: Evidence) -> Sequence[int]:
    return [int(row.sequence_number) for row in evidence.decisions]


def test_the_builder_cuts_the_ledger_where_it_says() -> None:
    assert _positions(AHEAD) == [1]
    assert len(AHEAD.lake) == 3
