from __future__ import annotations

import dataclasses
import struct
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import pytest

from consumer.scoring.bundle import POLICY_FILE, Bundle, load_bundle
from consumer.scoring.compose import decision_of
from consumer.scoring.golden import read_event
from consumer.scoring.policy import parse_policy
from consumer.scoring.rescoring import Difference, rescore
from consumer.scoring.scorer import MadeBy, Scorer
from schemas.decision import Decision, Reason
from schemas.position import ShardId, StreamEpoch, StreamPosition, StreamRecord
from schemas.transaction import Received
from tests.scoring_builders import EVENT_BUNDLE

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


@cache
def the_bundle() -> Bundle:
    return load_bundle(EVENT_BUNDLE)


@cache
def the_decisions() -> tuple[Decision, ...]:
    """What the shipped bundle decides of its own golden events, the riskiest last."""
    scorer = Scorer(the_bundle())
    transactions = [read_event(golden) for golden in the_bundle().manifest.golden]
    record = StreamRecord(b"", "u", StreamPosition(StreamEpoch("e"), ShardId("s"), 1, 0), NOW)
    made_by = MadeBy("m", "p", scorer.feature_set)
    decisions = [
        decision_of(Received(transaction, record), scored, made_by, NOW, NOW)
        for transaction, scored in zip(transactions, scorer.score(transactions), strict=True)
    ]
    return tuple(sorted(decisions, key=lambda decision: decision.score))


def differences(decision: Decision) -> list[str]:
    return [difference.what for difference in rescore(decision, the_bundle()).differences]


def test_what_was_decided_here_is_reproduced_bit_for_bit() -> None:
    for decision in the_decisions():
        again = rescore(decision, the_bundle())
        assert again.score_is_bit_equal
        assert again.differences == ()


def test_a_score_that_is_off_by_more_than_rounding_is_told() -> None:
    decision = the_decisions()[0]
    assert differences(decision._replace(score=decision.score + 2e-6)) == ["score"]
    nearly = rescore(decision._replace(score=decision.score + 1e-9), the_bundle())
    assert (nearly.score_is_bit_equal, nearly.differences) == (False, ())


def test_facts_that_were_changed_after_the_decision_are_told() -> None:
    changed = the_decisions()[0]._replace(amount=Decimal("98765.43"))
    assert {"content hash", "amount_log2"} <= set(differences(changed))


def test_a_vector_that_was_changed_is_told_by_the_feature() -> None:
    decision = the_decisions()[0]
    names = the_bundle().feature_set.names
    vector = bytearray(decision.features)
    column = names.index("amount_cents")
    struct.pack_into("<f", vector, 4 * column, 0.125)
    again = rescore(decision._replace(features=bytes(vector)), the_bundle())
    assert Difference("amount_cents", "0.125", f"{struct.unpack_from('<f', decision.features, 4 * column)[0]:.9g}") in (
        again.differences
    )


def test_another_policy_judges_otherwise_and_that_is_told() -> None:
    text = (EVENT_BUNDLE / POLICY_FILE).read_text()
    strict = parse_policy(text.replace("medium_from = 0.3", "medium_from = 0.0000001"))
    low = next(decision for decision in the_decisions() if 1e-6 < decision.score < 0.3)
    found = rescore(low, dataclasses.replace(the_bundle(), policy=strict)).differences
    assert found == (Difference("risk level", "low", "medium"),)


def test_reasons_that_were_changed_are_told() -> None:
    riskiest = the_decisions()[-1]
    assert riskiest.reasons
    assert differences(riskiest._replace(reasons=None)) == ["reasons"]
    assert differences(riskiest._replace(reasons=(Reason("NIGHT_TIME", 1.0, 0.5), *riskiest.reasons[1:]))) == [
        "reasons"
    ]


def test_a_vector_of_another_feature_set_is_refused() -> None:
    with pytest.raises(ValueError, match="other/1"):
        rescore(the_decisions()[0]._replace(feature_set="other/1"), the_bundle())
