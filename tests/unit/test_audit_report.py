from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.auditing.compare import audit
from consumer.auditing.evidence import Evidence
from schemas.position import ShardId
from tests.audit_builders import RECORDS, WHOLE, an_evidence
from tests.pipeline_builders import SHARD, a_record

WAIT = "a chunk closes within a minute, if the consumer runs under this application name"

UNTOUCHED = an_evidence([], published=[a_record(n) for n in (1, 2, 3)], checkpoints={})
SHARDS = [ShardId(f"shardId-{n:012}") for n in range(5)]


def _on_shards(evidence: Evidence) -> Evidence:
    records = [r._replace(position=r.position._replace(shard_id=s)) for r in evidence.published for s in SHARDS]
    return replace(evidence, published=records)


VERDICTS = {
    "audit clean: every event had its effects exactly once": WHOLE,
    "audit clean: the stream holds no record": an_evidence([]),
    "audit clean so far, 1 pending": replace(WHOLE, published=[*RECORDS, a_record(6)]),
    f"audit clean so far, 3 pending; no checkpoint yet of {SHARD}: {WAIT}": UNTOUCHED,
    "audit clean, but 1 could not be judged": replace(WHOLE, received=[*(WHOLE.received or []), {"not_json": "?"}]),
    "AUDIT NOT CLEAN": replace(WHOLE, lake=[], published=[*RECORDS, a_record(6)]),
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_verdict_claims_no_more_than_was_judged(verdict: str) -> None:
    assert audit(VERDICTS[verdict]).verdict == verdict


def test_the_verdict_names_three_shards_without_checkpoint_and_counts_the_others() -> None:
    report = audit(_on_shards(UNTOUCHED))
    assert f"no checkpoint yet of {', '.join(SHARDS[:3])} and 2 more" in report.verdict
    assert report.document()["without_checkpoint"] == SHARDS


def test_the_report_names_what_it_found_and_every_count() -> None:
    report = audit(replace(WHOLE, lake=WHOLE.lake[1:]))
    assert "not in the lake" in report.findings[0]
    assert report.document()["is_clean"] is False
    assert (report.document()["lost"], report.document()["not_judged"]) == (1, 0)
    assert report.lines()[-1] == "AUDIT NOT CLEAN"
    assert any("not in the lake" in line for line in report.lines())


def test_a_stopped_system_is_complete_and_one_with_something_pending_is_not() -> None:
    assert audit(WHOLE).is_complete
    assert not audit(UNTOUCHED).is_complete
    assert audit(UNTOUCHED).is_clean
