"""The scorer on a bundle of the event alone: bits, batches, reasons and alerts."""

from __future__ import annotations

import dataclasses
import json
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from consumer.scoring.bundle import load_bundle
from consumer.scoring.features import EVENT
from consumer.scoring.golden import read_event
from consumer.scoring.model import Model
from consumer.scoring.scorer import Scored, Scorer, UnusableScore
from schemas.decode import Unknown, decode
from schemas.transaction import Transaction
from tests.scoring_builders import EVENT_BUNDLE, a_bare_transaction, a_graph, a_transaction, labelled_events


@cache
def scorer() -> Scorer:
    return Scorer(load_bundle(EVENT_BUNDLE))


@cache
def a_pool() -> tuple[Transaction, ...]:
    golden = [read_event(vector) for vector in load_bundle(EVENT_BUNDLE).manifest.golden]
    made = (decode(json.dumps(item.event).encode(), Unknown()) for item in labelled_events(3, 300))
    return (*golden, *made, a_transaction(), a_bare_transaction())


def an_alert() -> Scored:
    return max(scorer().score(a_pool()), key=lambda scored: scored.score)


def test_versions_are_those_of_the_bundle() -> None:
    bundle = load_bundle(EVENT_BUNDLE)
    assert scorer().model_version == bundle.manifest.model_version
    assert (scorer().policy_version, scorer().feature_set) == ("default/1", "event/1")


def test_nothing_in_gives_nothing_out() -> None:
    assert list(scorer().score([])) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=70))
def test_a_transaction_is_scored_to_the_same_bits_alone_and_in_any_batch(picks: list[int]) -> None:
    batch = [a_pool()[pick] for pick in picks]
    assert list(scorer().score(batch)) == [scorer().score([transaction])[0] for transaction in batch]


def test_the_stored_vector_gives_the_score_again() -> None:
    for transaction in a_pool()[:20]:
        scored = scorer().score([transaction])[0]
        stored = np.frombuffer(scored.features, "<f4").reshape(1, -1)
        assert stored.tobytes() == EVENT.compute([transaction]).tobytes()
        assert load_bundle(EVENT_BUNDLE).model.probabilities(stored.astype(np.float32)).tolist() == [scored.score]


def test_scores_are_what_float32_holds_exactly() -> None:
    scores = [scored.score for scored in scorer().score(a_pool())]
    assert all(type(score) is float and float(np.float32(score)) == score for score in scores)


def test_verdict_and_confidence_follow_score_and_missing_share() -> None:
    bundle = load_bundle(EVENT_BUNDLE)
    for transaction, scored in zip(a_pool(), scorer().score(a_pool()), strict=True):
        verdict = (scored.classification, scored.risk_level, scored.alerts, scored.threshold)
        assert verdict == bundle.policy.judge(scored.score, transaction)[:4]
    assert scorer().score([a_bare_transaction()])[0].confidence == "low"


def test_only_what_alerts_has_reasons() -> None:
    scored = scorer().score(a_pool())
    assert {bool(item.alerts) for item in scored} == {True, False}
    assert all((item.reasons is not None) == item.alerts for item in scored)


def test_reasons_are_at_most_three_positive_and_sorted() -> None:
    reasons = an_alert().reasons
    assert reasons
    contributions = [reason.contribution for reason in reasons]
    assert len(reasons) <= 3
    assert contributions == sorted(contributions, reverse=True)
    assert min(contributions) > 0


def test_contributions_add_up_to_the_log_odds() -> None:
    model = load_bundle(EVENT_BUNDLE).model
    features = EVENT.compute(a_pool())
    nothing_known = np.full((1, len(EVENT.names)), np.nan, np.float32)
    bias = log_odds(model.probabilities(nothing_known)[0])
    expected = 1 / (1 + np.exp(-(model.contributions(features).astype(np.float64).sum(axis=1) + bias)))
    assert model.probabilities(features) == pytest.approx(expected, abs=1e-6)


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


@pytest.mark.parametrize("answer", [math.nan, -0.1, 1.1, math.inf])
def test_an_answer_that_is_no_probability_stops_the_batch(answer: float) -> None:
    bundle = load_bundle(EVENT_BUNDLE)
    broken = dataclasses.replace(bundle, model=Model(constant_graph(answer), len(EVENT.names)))
    with pytest.raises(UnusableScore, match="roll the bundle back"):
        Scorer(broken).score([a_transaction()])


def constant_graph(answer: float) -> bytes:
    nodes = [
        helper.make_node("Identity", ["features"], ["contributions"]),
        helper.make_node("Shape", ["features"], ["rows"], end=1),
        helper.make_node("Expand", ["answer", "rows"], ["probability"]),
    ]
    return a_graph(nodes, answer=np.array([answer], np.float32))
