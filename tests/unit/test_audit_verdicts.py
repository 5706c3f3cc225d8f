"""Dead letters and refusals against the records, and the records inside of aggregates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence
from consumer.letters import letter_of
from schemas.dead_letter import FieldError
from schemas.position import Position, StreamRecord
from sinks.port import Refusal
from tests.audit_builders import RECORDS, WHOLE, an_evidence, faults
from tests.pipeline_builders import NOW, SHARD, a_record, an_event

BAD = RECORDS[2]
LETTER = WHOLE.dead_letters[BAD.position]
LATER = NOW.replace(hour=13)


def _with_letter(**changes: Any) -> Evidence:
    return replace(WHOLE, dead_letters={BAD.position: LETTER.model_copy(update=changes)})


LETTERS: dict[str, dict[str, Any]] = {
    "stage": {"stage": "look_up"},
    "reason": {"reason": "invalid_utf8"},
    "errors": {"errors": (FieldError(field="amount", message="is too bad"),)},
    "arrival_time": {"arrival_time": LATER},
    "partition_key": {"partition_key": "somebody-else"},
    "raw": {"raw": b"other bytes"},
    "is_masked": {"is_masked": True},
}


@pytest.mark.parametrize("field", LETTERS)
def test_a_dead_letter_that_differs_from_its_verdict_or_record_is_mismatched(field: str) -> None:
    evidence = _with_letter(**LETTERS[field])
    assert faults(evidence) == {"mismatched": 1}
    assert field in audit(evidence).findings[0]


def test_a_dead_letter_may_come_from_any_version() -> None:
    assert faults(_with_letter(versions={"consumer": "older"})) == {}


def test_a_dead_letter_keeps_an_error_that_the_ledger_could_not() -> None:
    errors = (FieldError(field="a\0b", message="no \0 please"),)
    stored = tuple(
        FieldError(field=e.field.replace("\0", "\ufffd"), message=e.message.replace("\0", "\ufffd")) for e in errors
    )
    refusal = Refusal(BAD.position, NOW, "score", "processing_failed", stored)
    letter = letter_of(refusal._replace(errors=errors), BAD, {"consumer": "test"})
    assert faults(replace(WHOLE, refusals={BAD.position: refusal}, dead_letters={BAD.position: letter})) == {}


def _refused(record: StreamRecord, reason: Any, stage: Any = "decode", **changes: Any) -> Evidence:
    refusal = Refusal(record.position, record.arrival_time, stage, reason, ())._replace(**changes)
    letter = letter_of(refusal._replace(arrival_time=record.arrival_time), record, {"consumer": "test"})
    verdicts = {"refusals": {record.position: refusal}, "dead_letters": {record.position: letter}}
    return an_evidence([], published=[record], checkpoints={SHARD: Position(9)}, **verdicts)


GOOD = a_record(1)
WRONG = {
    "a valid event refused as no JSON": _refused(GOOD, "invalid_json"),
    "bytes that are no JSON refused for their time": _refused(BAD, "event_time_out_of_bounds"),
    "bytes that are no JSON refused as too large": _refused(BAD, "event_too_large"),
    "a refusal that blames another field": _refused(
        a_record(1, an_event(amount=-1)), "invalid_event", errors=(FieldError(field="user_id", message="is bad"),)
    ),
    "a refusal that tells another arrival": _refused(GOOD, "conflicting_resend", "look_up", arrival_time=LATER),
}
RIGHT = {
    "an event refused for its time": _refused(GOOD, "event_time_out_of_bounds"),
    "a record that broke the decoder": _refused(GOOD, "processing_failed"),
    "a resend in conflict": _refused(GOOD, "conflicting_resend", "look_up"),
    "a refusal in other words": _refused(
        a_record(1, an_event(amount=-1)),
        "invalid_event",
        errors=(FieldError(field="amount", message="in other words"),),
    ),
    "a refusal by a version that knew less": replace(_refused(GOOD, "invalid_event"), consumer_version="newer"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_verdict_that_the_record_does_not_bear_out_is_mismatched(what: str) -> None:
    assert faults(WRONG[what]) == {"mismatched": 1}, audit(WRONG[what]).findings


@pytest.mark.parametrize("what", RIGHT)
def test_a_verdict_that_the_record_bears_out_is_clean(what: str) -> None:
    assert faults(RIGHT[what]) == {}, audit(RIGHT[what]).findings


def _inside(sequence_number: int) -> list[StreamRecord]:
    """What an aggregate of two events and a bad record holds."""
    events = [an_event("kpl-0"), b"not json", an_event("kpl-2")]
    whole = a_record(sequence_number)
    return [whole._replace(position=whole.position._replace(sub_sequence=n), data=e) for n, e in enumerate(events)]


INSIDE = _inside(2)
AGGREGATED = an_evidence([a_record(1), *INSIDE, a_record(3)])


def test_every_record_inside_an_aggregate_is_judged() -> None:
    report = audit(AGGREGATED)
    assert report.is_clean, report.findings
    counts = ("published", "decided", "refused", "in_lake", "not_judged")
    assert [report.counts[name] for name in counts] == [5, 4, 1, 4, 0]


def test_effects_of_an_aggregate_are_still_held_against_each_other() -> None:
    assert faults(replace(AGGREGATED, lake=AGGREGATED.lake[:-2])) == {"lost": 2}
    assert faults(replace(AGGREGATED, refusals={})) == {"mismatched": 1, "lost": 1}


def test_what_kcl_dropped_out_of_an_aggregate_is_lost() -> None:
    published = [a_record(1), *INSIDE, a_record(3)]
    assert faults(an_evidence([a_record(1), a_record(3)], published=published)) == {"lost": 3}
    assert faults(an_evidence([a_record(1), INSIDE[0], a_record(3)], published=published)) == {"lost": 2}


def test_what_kcl_dropped_and_was_sent_again_is_a_repetition() -> None:
    again = [record._replace(position=a_record(4 + n).position) for n, record in enumerate([INSIDE[0], INSIDE[2]])]
    published = [a_record(1), INSIDE[0], INSIDE[2]._replace(position=INSIDE[1].position), *again]
    evidence = an_evidence([a_record(1), *again], published=published)
    assert faults(evidence) == {}
    assert audit(evidence).counts["repeated"] == 2


def test_a_verdict_at_a_place_that_the_aggregate_does_not_have_is_mismatched() -> None:
    stray = INSIDE[0]._replace(position=INSIDE[0].position._replace(sub_sequence=3))
    evidence = an_evidence([a_record(1), *INSIDE, stray._replace(data=an_event("stray")), a_record(3)])
    published = [record for record in evidence.published if record.position != stray.position]
    assert faults(replace(evidence, published=published)) == {"mismatched": 1}


@pytest.mark.parametrize("data", [b"\xf3\x89\x9a\xc2" + b"x" * 40, b"\xf3\x89\x9a\xc2"])
def test_bytes_that_only_begin_like_an_aggregate_are_judged(data: bytes) -> None:
    fake = a_record(6, data)
    assert faults(replace(WHOLE, published=[*RECORDS, fake], checkpoints={SHARD: Position(6)})) == {"lost": 1}
    assert faults(an_evidence([*RECORDS, fake])) == {}
