from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence, LakeRow, OutboxEntry
from consumer.auditing.records import silent_identities
from schemas.position import Position, ShardId, StreamEpoch
from tests.audit_builders import RECORDS, WHOLE, faults
from tests.pipeline_builders import SHARD, a_record, an_event


def test_what_the_pipeline_leaves_is_clean() -> None:
    report = audit(WHOLE)
    assert report.is_clean, report.findings
    assert {name: report.counts[name] for name in ("published", "decided", "refused", "repeated", "alerts", "received", "pending")} == {
        "published": 5, "decided": 3, "refused": 1, "repeated": 1, "alerts": 1, "received": 1, "pending": 0,
    }  # fmt: skip


def _without_decision(evidence: Evidence) -> Evidence:
    return replace(evidence, decisions=[row for row in evidence.decisions if row.transaction_id != "t-1"])


def _with_values(evidence: Evidence, **values: Any) -> Evidence:
    first, *rest = evidence.lake
    return replace(evidence, lake=[LakeRow(first.key, {**first.values, **values}), *rest])


FAULTS = {
    "a decision is gone from the ledger, its lake row remains": (_without_decision(WHOLE), {"lost": 1, "mismatched": 1}),
    "a lake row is gone": (replace(WHOLE, lake=WHOLE.lake[1:]), {"lost": 1}),
    "a lake row stands twice": (replace(WHOLE, lake=[*WHOLE.lake, WHOLE.lake[0]]), {"duplicated": 1}),
    "a lake row differs": (_with_values(WHOLE, score=0.123), {"mismatched": 1}),
    "a feature in the lake differs": (_with_values(WHOLE, features=[1.0]), {"mismatched": 1}),
    "a repetition is in the lake too": (
        replace(WHOLE, lake=[*WHOLE.lake, LakeRow("k", {**WHOLE.lake[0].values, "sequence_number": "5"})]),
        {"duplicated": 1},
    ),
    "a dead letter is gone": (replace(WHOLE, dead_letters={}), {"lost": 1}),
    "a refusal is gone": (replace(WHOLE, refusals={}), {"lost": 1, "mismatched": 1}),
    "a decision is about another event": (
        replace(WHOLE, published=[a_record(1, an_event("t-1", amount=99)), *RECORDS[1:]]),
        {"mismatched": 1},
    ),
    "a decision tells another arrival": (
        replace(WHOLE, published=[RECORDS[0]._replace(arrival_time=RECORDS[0].arrival_time.replace(second=1)), *RECORDS[1:]]),
        {"mismatched": 1},
    ),
    "a decision stands where no record is": (
        replace(WHOLE, published=[r for r in RECORDS if r.position.sequence_number != 2]),
        {"mismatched": 1},
    ),
    "a record is both decided and refused": (
        replace(WHOLE, refusals={**WHOLE.refusals, RECORDS[0].position: next(iter(WHOLE.refusals.values()))}),
        {"mismatched": 1},
    ),
    "a record has no verdict at all": (replace(WHOLE, published=[*RECORDS, a_record(6)], checkpoints={SHARD: "SHARD_END"}), {"lost": 1}),
    "a chunk cannot be read": (replace(WHOLE, damaged=["decisions/v1/x.parquet"]), {"mismatched": 1}),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_every_fault_is_seen(what: str) -> None:
    evidence, expected = FAULTS[what]
    assert faults(evidence) == expected, audit(evidence).findings


def test_what_lies_beyond_the_checkpoint_is_judged_later() -> None:
    evidence = replace(WHOLE, published=[*RECORDS, a_record(6)], lake=[], checkpoints={})
    report = audit(evidence)
    assert (report.is_clean, report.is_complete, report.counts["pending"]) == (True, False, 4)


def test_effects_of_trimmed_records_are_not_judged() -> None:
    report = audit(replace(WHOLE, published=RECORDS[1:]))
    assert (report.is_clean, report.counts["trimmed"]) == (True, 1)


def test_effects_in_a_shard_that_expired_are_not_judged() -> None:
    report = audit(replace(WHOLE, published=[], checkpoints={}, shards=frozenset({ShardId("shardId-000000000009")})))
    assert (report.is_clean, report.counts["trimmed"], report.counts["pending"]) == (True, 4, 0)


def test_a_resend_of_an_event_that_an_earlier_stream_held_is_a_repetition() -> None:
    earlier = WHOLE.decisions[0]._replace(stream_epoch=StreamEpoch("20250101T000000Z"))
    resent = [*RECORDS, a_record(6, an_event(earlier.transaction_id))]
    evidence = replace(
        WHOLE,
        decisions=WHOLE.decisions[1:],
        published=[*RECORDS[1:], resent[-1]],
        lake=[row for row in WHOLE.lake if row.values["transaction_id"] != earlier.transaction_id],
        checkpoints={SHARD: resent[-1].position.within_shard},
    )
    assert faults(evidence) == {"lost": 1}
    report = audit(replace(evidence, decided_elsewhere=[earlier]))
    assert (report.is_clean, report.counts["repeated"]) == (True, 2)
    other_content = earlier._replace(content_hash=b"0123456789abcdef")
    assert faults(replace(evidence, decided_elsewhere=[other_content])) == {"lost": 1}


def test_other_streams_are_asked_for_readable_checkpointed_records_without_a_verdict_only() -> None:
    no_verdict = [a_record(6), a_record(7, b"not json"), a_record(8, an_event("t-1")), a_record(9, an_event("beyond"))]
    published, checkpoints = [*RECORDS, *no_verdict], {SHARD: Position(8)}
    asked = silent_identities(published, checkpoints, WHOLE.decisions, WHOLE.refusals)
    assert [identity.transaction_id for identity in asked] == ["t-6"]


def test_what_was_published_before_a_start_at_the_end_of_the_stream_is_not_lost() -> None:
    before = [a_record(1, an_event("before-1")), a_record(2, b"before-2")]
    records = [
        *before,
        *(r._replace(position=r.position._replace(sequence_number=10 + n)) for n, r in enumerate(RECORDS)),
    ]
    moved = [row._replace(sequence_number=str(9 + int(row.sequence_number))) for row in WHOLE.decisions]
    evidence = replace(
        WHOLE, published=records, checkpoints={SHARD: records[-1].position.within_shard}, decisions=moved,
        refusals={}, dead_letters={}, lake=[], outbox=[], received=None, policies={},
    )  # fmt: skip
    silent_and_lake = {"lost": 1 + 3}
    assert faults(replace(evidence, starts_at_latest=True)) == silent_and_lake
    assert audit(replace(evidence, starts_at_latest=True)).counts["before_start"] == 2
    assert faults(evidence) == {"lost": 2 + 1 + 3}


def test_what_arrived_before_the_moment_of_the_start_is_not_lost_and_what_came_after_it_is() -> None:
    silent = replace(WHOLE, decisions=[], refusals={}, dead_letters={}, lake=[], outbox=[], received=None)
    arrivals = sorted(record.arrival_time for record in silent.published)
    assert audit(replace(silent, reads_from=arrivals[0])).counts["before_start"] == 0
    after_all = audit(replace(silent, reads_from=arrivals[-1] + timedelta(milliseconds=1)))
    assert (after_all.counts["before_start"], after_all.is_clean) == (5, True)
    assert after_all.verdict.endswith("but for 5 from before the start")


def test_a_shard_without_any_effect_began_after_its_checkpoint_when_the_start_was_at_latest() -> None:
    idle = replace(WHOLE, decisions=[], refusals={}, dead_letters={}, lake=[], outbox=[], received=None)
    assert audit(replace(idle, starts_at_latest=True)).counts["before_start"] == 5
    assert faults(idle) == {"lost": 5}


def test_an_alert_that_waits_is_pending_and_one_that_is_kept_is_not_missed() -> None:
    waiting = [OutboxEntry(entry.alert_id, entry.payload, "waiting") for entry in WHOLE.outbox]
    kept = [OutboxEntry(entry.alert_id, entry.payload, "kept") for entry in WHOLE.outbox]
    assert audit(replace(WHOLE, outbox=waiting, received=[])).counts["pending"] == 1
    assert audit(replace(WHOLE, outbox=kept, received=[])).counts["kept_alerts"] == 1


def test_foreign_objects_are_named_and_no_fault() -> None:
    report = audit(replace(WHOLE, foreign=["decisions/v1/dt=2026-03-01/"]))
    assert (report.is_clean, report.counts["foreign"]) == (True, 1)
    assert "decisions/v1/dt=2026-03-01/" in report.remarks[0]
