from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence, LakeRow, OutboxEntry
from schemas.position import Position, StreamRecord
from sinks.lake.parquet import encode
from tests.pipeline_builders import EPOCH, SCORER, SHARD, World, a_record, an_event

RISKY = {
    "amount": 0,
    "channel": "online",
    "merchant_category": "gift_cards",
    "device_info": {"device_type": "emulator"},
}
RECORDS = [
    a_record(1),
    a_record(2, an_event("risky", **RISKY)),
    a_record(3, b"not json"),
    a_record(4),
    a_record(5, an_event("t-4")),
]


def an_evidence(records: list[StreamRecord] | None = None) -> Evidence:
    """What stands after the real pipeline dealt with the records and stopped."""
    world = World()
    worker = world.worker()
    world.process(worker, RECORDS if records is None else records)
    world.stop(worker)
    payloads = [json.loads(entry.payload) for entry in world.store.outbox.values()]
    return Evidence(
        epoch=EPOCH,
        published=RECORDS if records is None else records,
        checkpoints={SHARD: Position(5)},
        decisions=list(world.store.decisions.values()),
        refusals=world.store.refusals,
        lake=[
            LakeRow(key, values)
            for key, chunk in world.lake.objects.items()
            for values in pq.read_table(io.BytesIO(encode(chunk.rows))).to_pylist()
        ],
        outbox=[
            OutboxEntry(alert_id, payload, "sent")
            for alert_id, payload in zip(world.store.outbox, payloads, strict=True)
        ],
        received=payloads,
        dead_letters={
            record.position: letter
            for record in RECORDS
            for letter in world.dead_letters.letters()
            if letter.sequence_number == str(record.position.sequence_number)
        },
        alerting_policies=frozenset({SCORER.policy_version}),
    )


WHOLE = an_evidence()


def counts(evidence: Evidence) -> dict[str, int]:
    return {
        name: count
        for name, count in audit(evidence).counts.items()
        if count and name in {"lost", "duplicated", "mismatched"}
    }


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
    "an alert was not raised": (replace(WHOLE, outbox=[], received=[]), {"lost": 1}),
    "a sent alert never arrived": (replace(WHOLE, received=[]), {"lost": 1}),
    "an alert arrived that nobody raised": (replace(WHOLE, outbox=[]), {"lost": 1, "mismatched": 1}),
    "an alert tells another score": (
        replace(WHOLE, received=[{**(WHOLE.received or [{}])[0], "score": 0.5}]),
        {"mismatched": 1},
    ),
    "a decision is about another event": (
        replace(WHOLE, published=[a_record(1, an_event("t-1", amount=99)), *RECORDS[1:]]),
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
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_every_fault_is_seen(what: str) -> None:
    evidence, expected = FAULTS[what]
    assert counts(evidence) == expected, audit(evidence).findings


def test_what_lies_beyond_the_checkpoint_is_judged_later() -> None:
    evidence = replace(WHOLE, published=[*RECORDS, a_record(6)], lake=[], checkpoints={})
    report = audit(evidence)
    assert (report.is_clean, report.counts["pending"]) == (True, 4)


def test_the_same_alert_received_again_is_no_fault() -> None:
    report = audit(replace(WHOLE, received=[*(WHOLE.received or []), *(WHOLE.received or [])]))
    assert (report.is_clean, report.counts["redelivered"]) == (True, 1)


def test_effects_of_trimmed_records_are_not_judged() -> None:
    report = audit(replace(WHOLE, published=RECORDS[1:]))
    assert (report.is_clean, report.counts["trimmed"]) == (True, 1)


def test_an_alert_that_waits_is_pending_and_one_that_is_kept_is_not_missed() -> None:
    waiting = [OutboxEntry(entry.alert_id, entry.payload, "waiting") for entry in WHOLE.outbox]
    kept = [OutboxEntry(entry.alert_id, entry.payload, "kept") for entry in WHOLE.outbox]
    assert audit(replace(WHOLE, outbox=waiting, received=[])).counts["pending"] == 1
    assert audit(replace(WHOLE, outbox=kept, received=[])).counts["kept_alerts"] == 1


def test_the_report_names_what_it_found_and_every_count() -> None:
    report = audit(FAULTS["a lake row is gone"][0])
    assert "not in the lake" in report.findings[0]
    assert report.document()["is_clean"] is False
    assert report.lines()[-1] == "AUDIT NOT CLEAN"
