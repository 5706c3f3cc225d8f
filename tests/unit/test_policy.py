"""The policy: bands, classification, alerts, and errors that name the key."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.scoring.bundle import DEFAULT_BUNDLE
from consumer.scoring.policy import Policy, PolicyError, parse_policy, read_policy
from tests.scoring_builders import a_transaction

BANDS = {"medium_from": 0.3, "high_above": 0.5, "critical_from": 0.85}


def a_policy(**changes: Any) -> Policy:
    return Policy.model_validate(
        {"version": "t/1", "classify_above": 0.5, "alert_from": "high", "bands": BANDS} | changes
    )


def text(**changes: str) -> str:
    lines = {"version": '"t/1"', "classify_above": "0.5", "alert_from": '"high"'} | changes
    head = "\n".join(f"{key} = {value}" for key, value in lines.items() if not key.startswith("bands."))
    bands = {key: str(edge) for key, edge in BANDS.items()} | {
        k[6:]: v for k, v in lines.items() if k.startswith("bands.")
    }
    return head + "\n[bands]\n" + "\n".join(f"{key} = {value}" for key, value in bands.items())


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0.0, "low"),
        (math.nextafter(0.3, 0), "low"),
        (0.3, "medium"),
        (0.5, "medium"),
        (math.nextafter(0.5, 1), "high"),
        (math.nextafter(0.85, 0), "high"),
        (0.85, "critical"),
        (1.0, "critical"),
    ],
)
def test_the_edges_of_the_bands_are_those_of_the_columns(score: float, level: str) -> None:
    assert a_policy().judge_score(score).risk_level == level


@pytest.mark.parametrize(("score", "classification"), [(0.5, 0), (math.nextafter(0.5, 1), 1), (1.0, 1), (0.0, 0)])
def test_one_half_is_not_yet_classified_as_fraud(score: float, classification: int) -> None:
    assert a_policy().judge_score(score).classification == classification


@pytest.mark.parametrize(
    ("alert_from", "threshold", "alerting"),
    [
        ("low", 0.0, [True, True, True, True]),
        ("medium", 0.3, [False, True, True, True]),
        ("high", 0.5, [False, False, True, True]),
        ("critical", 0.85, [False, False, False, True]),
    ],
)
def test_alerts_start_from_the_level_that_the_policy_says(
    alert_from: str, threshold: float, alerting: list[bool]
) -> None:
    verdicts = [a_policy(alert_from=alert_from).judge_score(score) for score in (0.1, 0.4, 0.7, 0.9)]
    assert [verdict.alerts for verdict in verdicts] == alerting
    assert {verdict.threshold for verdict in verdicts} == {threshold}


def test_medium_may_be_empty() -> None:
    policy = a_policy(bands=BANDS | {"medium_from": 0.5})
    assert [policy.judge_score(score).risk_level for score in (0.49, 0.5, 0.51)] == ["low", "medium", "high"]


def test_the_default_policy_is_the_one_of_the_columns() -> None:
    policy = parse_policy((DEFAULT_BUNDLE / "policy.toml").read_text())
    assert policy == a_policy(version=policy.version)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"classify_above": "1.5"}, "line 2: classify_above: "),
        ({"classify_above": '"0.5"'}, "line 2: classify_above: "),
        ({"classify_above": "nan"}, "line 2: classify_above: "),
        ({"alert_from": '"extreme"'}, "line 3: alert_from: "),
        ({"version": '""'}, "line 1: version: "),
        ({"colour": "1"}, "line 4: colour: "),
        ({"bands.medium_from": "0"}, "line 5: bands.medium_from: "),
        ({"bands.critical_from": "inf"}, "line 7: bands.critical_from: "),
        ({"bands.medium_from": "0.6"}, "line 4: bands: must rise: "),
        ({"bands.critical_from": "0.5"}, "line 4: bands: must rise: "),
        ({"bands.extreme_from": "0.9"}, "line 8: bands.extreme_from: "),
    ],
)
def test_a_wrong_key_is_named_with_its_line(changes: dict[str, str], named: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy(text(**changes))
    assert str(refused.value).startswith(named)


def test_every_missing_key_is_named() -> None:
    with pytest.raises(PolicyError, match=r"version: .*; classify_above: .*; alert_from: .*; bands: "):
        parse_policy("")


def test_what_is_not_toml_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyError, match=r"^not TOML: .*line 2"):
        parse_policy('version = "t/1"\nbands = ]\n')


def test_what_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyError, match=r"^line 2: not UTF-8"):
        read_policy(b'version = "t/1"\nalert_from = "\xff"\n')


@given(
    st.lists(st.floats(0, 1, width=32) | st.sampled_from([0.3, 0.5, 0.85]), max_size=30), st.sampled_from([0.2, 0.4])
)
def test_many_scores_at_once_get_the_verdict_of_each_alone(scores: list[float], classify_above: float) -> None:
    policy = a_policy(classify_above=classify_above)
    facts = [a_transaction()] * len(scores)
    assert policy.judge_all(scores, facts) == [policy.judge(*pair) for pair in zip(scores, facts, strict=True)]
