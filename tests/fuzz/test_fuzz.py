from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, get_args
from uuid import uuid4

import pytest

from consumer.auditing.objects import Bucket
from infra.local.environment import LocalEnvironment
from schemas.dead_letter import RefusalReason
from tests.contract.databases import execute, migrated_database
from tests.effects import Effects, audited, effects_of
from tests.fuzz.campaign import Campaign, sinks_in
from tests.fuzz.cases import BYTE_MUTATIONS, FIELD_MUTATIONS, case_of, cases
from tests.fuzz.judgement import judge

SEED = int(os.environ.get("FRAUDSTREAM_FUZZ_SEED", "1"))
COUNT = int(os.environ.get("FRAUDSTREAM_FUZZ_COUNT", "5000"))
NOT_THE_PRODUCERS = {"processing_failed", "refused_by_ledger"}


class Result(NamedTuple):
    campaign: Campaign
    effects: Effects
    database_url: str


@pytest.fixture(scope="module")
def result(local_environment: LocalEnvironment) -> Result:
    """One campaign for all the tests that look at what it left behind."""
    database_url, bucket, s3 = migrated_database(), f"fuzz-{uuid4()}", local_environment.client("s3")
    sinks = sinks_in(database_url, s3, bucket)
    campaign = Campaign(sinks, SEED)
    campaign.run(cases(SEED, COUNT))
    sinks.ledger.close()
    return Result(campaign, effects_of(database_url, Bucket(s3, bucket), sinks.dead_letters.letters()), database_url)


@pytest.mark.real
def test_every_mutation_of_an_event_is_decided_or_refused_with_a_reason_and_has_its_effects_once(
    result: Result,
) -> None:
    judgement = judge(result.campaign.published, result.effects)

    assert audited(result.campaign.published, result.campaign.checkpoints(), result.effects) == []
    assert judgement.faults == [], f"python -m tests.fuzz --seed {SEED} --first NUMBER --count 1 --show prints a case"
    assert judgement.verdicts.total() == COUNT
    slowest = max(result.campaign.times)
    print(f"seed {SEED}: {dict(judgement.verdicts)}; slowest record {slowest.millis:.1f} ms, case {slowest.number}")


@pytest.mark.real
def test_a_campaign_meets_every_verdict_and_the_default_partition(result: Result) -> None:
    verdicts = judge(result.campaign.published, result.effects).verdicts

    assert set(get_args(RefusalReason)) - NOT_THE_PRODUCERS <= verdicts.keys()
    assert min(verdicts["decided"], sum(verdicts.values()) - verdicts["decided"]) > COUNT / 5
    assert execute(result.database_url, b"select count(*) > 0 from fraudstream.decision_default") == [(True,)]
    assert len(result.campaign.times) > COUNT, "restarts deliver again"


def without_a_lake_row(effects: Effects) -> Effects:
    return replace(effects, lake=effects.lake[1:])


def with_a_lake_row_twice(effects: Effects) -> Effects:
    return replace(effects, lake=[effects.lake[0], *effects.lake])


def with_another_score_in_the_lake(effects: Effects) -> Effects:
    first = effects.lake[0]
    return replace(effects, lake=[first._replace(values={**first.values, "score": 0.123}), *effects.lake[1:]])


def without_a_decision(effects: Effects) -> Effects:
    return replace(effects, decisions=effects.decisions[1:])


def without_a_refusal(effects: Effects) -> Effects:
    return replace(effects, refusals=dict(list(effects.refusals.items())[1:]))


def without_a_reason(effects: Effects) -> Effects:
    position, refusal = next((p, r) for p, r in effects.refusals.items() if r.reason == "invalid_event")
    return replace(effects, refusals={**effects.refusals, position: refusal._replace(errors=())})


def without_a_letter(effects: Effects) -> Effects:
    return replace(effects, letters=dict(list(effects.letters.items())[1:]))


def with_a_failure_of_ours(effects: Effects) -> Effects:
    position, refusal = next(iter(effects.refusals.items()))
    return replace(effects, refusals={**effects.refusals, position: refusal._replace(reason="processing_failed")})


def with_two_verdicts(effects: Effects) -> Effects:
    refusal = next(iter(effects.refusals.values()))
    position = effects.decisions[0].position
    return replace(effects, refusals={**effects.refusals, position: refusal._replace(position=position)})


def with_another_amount(effects: Effects) -> Effects:
    first = effects.decisions[0]
    return replace(effects, decisions=[first._replace(amount=first.amount + 1), *effects.decisions[1:]])


@pytest.mark.real
@pytest.mark.parametrize(
    "spoil",
    [
        without_a_lake_row,
        with_a_lake_row_twice,
        with_another_score_in_the_lake,
        without_a_decision,
        without_a_refusal,
        without_a_reason,
        without_a_letter,
        with_a_failure_of_ours,
        with_two_verdicts,
        with_another_amount,
    ],
)
def test_the_judge_sees_what_is_wrong(result: Result, spoil: Callable[[Effects], Effects]) -> None:
    assert judge(result.campaign.published, spoil(result.effects)).faults


def test_a_case_is_the_same_whenever_it_is_made() -> None:
    assert list(cases(7, 50, first=900)) == [case_of(7, number) for number in range(900, 950)]
    assert [case.data for case in cases(7, 50)] != [case.data for case in cases(8, 50)]


def test_every_mutation_is_drawn_and_changes_something() -> None:
    drawn = Counter(name for case in cases(SEED, 4_000) for name in case.mutations)

    assert {mutate.__name__ for mutate in (*FIELD_MUTATIONS, *BYTE_MUTATIONS)} <= drawn.keys()
    assert sum(case.data == case_of(SEED + 1, case.number).data for case in cases(SEED, 500)) < 50
