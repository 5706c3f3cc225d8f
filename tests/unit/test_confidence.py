"""Confidence by columns.md."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.scoring.confidence import judge_confidence, judge_confidences


@pytest.mark.parametrize(
    ("score", "missing", "confidence"),
    [
        (0.1, 0.25, "high"),
        (0.8, 0.25, "high"),
        (0.0, 0.0, "high"),
        (0.1001, 0.0, "medium"),
        (0.7999, 0.0, "medium"),
        (0.1, 0.2501, "medium"),
        (0.3999, 0.5, "medium"),
        (0.4, 0.0, "low"),
        (0.6, 0.0, "low"),
        (0.6001, 0.0, "medium"),
        (0.0, 0.5, "medium"),
        (0.0, 0.5001, "low"),
        (1.0, 1.0, "low"),
    ],
)
def test_confidence_has_the_edges_of_the_columns(score: float, missing: float, confidence: str) -> None:
    assert judge_confidence(score, missing) == confidence


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_missing_input_never_raises_the_confidence(score: float, one: float, other: float) -> None:
    order = ("low", "medium", "high")
    less, more = sorted((one, other))
    assert order.index(judge_confidence(score, more)) <= order.index(judge_confidence(score, less))


_NEAR_EDGES = st.sampled_from([0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.8, 1.0]).flatmap(
    lambda edge: st.sampled_from([edge, np.nextafter(np.float32(edge), np.float32(0)), np.nextafter(edge, 2.0)])
)


@given(st.lists(st.tuples(_NEAR_EDGES | st.floats(0, 1), _NEAR_EDGES | st.floats(0, 1)), min_size=1, max_size=40))
def test_many_at_once_get_the_confidence_of_each_alone(pairs: list[tuple[float, float]]) -> None:
    scores = np.array([min(score, 1.0) for score, _ in pairs], np.float32)
    missing = np.array([min(share, 1.0) for _, share in pairs])
    alone = [judge_confidence(*pair) for pair in zip(scores.tolist(), missing.tolist(), strict=True)]
    assert judge_confidences(scores, missing) == alone
