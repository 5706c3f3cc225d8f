"""What an audit makes of replays: sound whenever it is read, and blind to nothing that a replay may do wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations_with_replacement

import pytest

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence, LakeRow
from sinks.errors import TransientSinkError
from sinks.lake.keys import replay_key
from tests.audit_builders import faults
from tests.pipeline_builders import NOW, SHARD, a_record, an_event
from tests.replay_builders import ReplayWorld, no_retry

LATE = a_record(2, an_event("late", timestamp="2026-02-01T12:00:00Z"))
RECORDS = [a_record(1), LATE, a_record(3)]
STATES = ("refused", "decided", "stored", "resolved")


@cache
def after(state: str) -> Evidence:
    """What stands when a replay got so far and died."""
    world = ReplayWorld()
    world.deliver(*RECORDS)
    if state == "decided":
        world.replay_lake.fail_next("before")
    elif state == "stored":
        world.replay_ledger.fail_next("resolve", "before")
    if state in {"decided", "stored"}:
        with pytest.raises(TransientSinkError):
            world.replay(world.replayer(retry=no_retry))
    elif state == "resolved":
        world.replay()
    return world.evidence(RECORDS)


@pytest.mark.parametrize(("ledger", "lake"), list(combinations_with_replacement(STATES, 2)))
def test_a_replay_that_goes_on_while_the_audit_reads_is_never_a_fault(ledger: str, lake: str) -> None:
    evidence = replace(after(ledger), lake=after(lake).lake)
    report = audit(evidence)
    assert report.is_clean, report.findings
    is_over = ledger == "resolved" or (ledger, lake) in {("refused", "refused"), ("refused", "decided")}
    assert report.is_complete == is_over


def test_a_replay_that_never_ends_is_told_with_the_remedy_even_when_the_stream_has_forgotten_the_record() -> None:
    for published in (RECORDS, RECORDS[2:]):
        report = audit(replace(after("decided"), published=published))
        assert not report.is_complete
        assert any("1 replays of dead letters have not ended" in remark for remark in report.remarks)


WHOLE = after("resolved")
[REPLAYED] = [row for row in WHOLE.lake if "/replay/" in row.key]
CHUNK = next(row.key for row in WHOLE.lake if row != REPLAYED)
REST = [row for row in WHOLE.lake if row != REPLAYED]
OTHER_OBJECT = replay_key(NOW.date(), RECORDS[0].position)
DECIDED_LATE = next(row for row in WHOLE.decisions if row.position == LATE.position)


def _without_decision(evidence: Evidence) -> Evidence:
    rest = [row for row in evidence.decisions if row.position != LATE.position]
    return replace(evidence, decisions=rest, lake=REST)


FAULTS: dict[str, tuple[Callable[[], Evidence], dict[str, int]]] = {
    "a decision at a refused position that no replay wrote": (
        lambda: replace(WHOLE, replayed=frozenset(), resolved=frozenset()),
        {"mismatched": 2},
    ),
    "a resolved replay without its row": (lambda: replace(WHOLE, lake=REST), {"lost": 1}),
    "a replayed row in a chunk": (lambda: replace(WHOLE, lake=[*REST, LakeRow(CHUNK, REPLAYED.values)]), {"mismatched": 1}),
    "a replayed row in a chunk too": (
        lambda: replace(WHOLE, lake=[*WHOLE.lake, LakeRow(CHUNK, REPLAYED.values)]),
        {"mismatched": 1, "duplicated": 1},
    ),
    "a replayed row in the object of another letter": (
        lambda: replace(WHOLE, lake=[*REST, LakeRow(OTHER_OBJECT, REPLAYED.values)]),
        {"mismatched": 1},
    ),
    "a replay of what was never refused": (
        lambda: replace(WHOLE, lake=[LakeRow(OTHER_OBJECT, row.values) if row == REST[0] else row for row in WHOLE.lake]),
        {"mismatched": 1},
    ),
    "a row of a replay, in a chunk, before the ledger knows": (
        lambda: replace(after("refused"), lake=[*REST, LakeRow(CHUNK, REPLAYED.values)]),
        {"mismatched": 1},
    ),
    "a replay whose decision is gone": (lambda: _without_decision(WHOLE), {"mismatched": 1}),
    "a refusal that is resolved, while the event is decided nowhere": (
        lambda: replace(_without_decision(WHOLE), replayed=frozenset()),
        {"mismatched": 1},
    ),
    "a replay of another event": (
        lambda: replace(WHOLE, published=[RECORDS[0], LATE._replace(data=an_event("x")), RECORDS[2]]),
        {"mismatched": 2},
    ),
    "a replayed record without its letter": (lambda: replace(WHOLE, dead_letters={}), {"lost": 1}),
    "a replay before the checkpoint passed without a row": (
        lambda: replace(WHOLE, lake=REST, checkpoints={}),
        {"lost": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_of_a_replay_is_seen(what: str) -> None:
    make, expected = FAULTS[what]
    assert faults(make()) == expected, audit(make()).findings


def test_the_builder_has_one_replayed_row() -> None:
    assert REPLAYED.values["transaction_id"] == DECIDED_LATE.transaction_id == "late"
    assert WHOLE.shards == {SHARD}
