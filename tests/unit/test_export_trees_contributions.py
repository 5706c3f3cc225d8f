"""What the graph says about each feature's part in a score, against path attribution told once more in plain Python."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from consumer.scoring.features import Matrix
from consumer.scoring.model import CONTRIBUTIONS, PROBABILITY, Model
from consumer.training.calibration import Platt
from consumer.training.export_trees import export_trees
from consumer.training.trees import ObliviousTrees, freeze_catboost
from tests.tree_builders import FEATURES, a_classifier, boundary_rows, random_rows, random_trees, run_graph


def walk(trees: ObliviousTrees, row: list[float]) -> list[float]:
    """Path attribution as a person would do it: go down each tree and credit every step to the feature that was asked."""
    credit = [0.0] * trees.feature_count
    for columns, borders, values, weights in zip(
        trees.split_features.tolist(), trees.borders.tolist(), trees.leaf_values, trees.leaf_weights, strict=True
    ):
        leaves = list(range(len(values)))
        before = expect(values, weights, leaves, len(columns))
        for level, (column, border) in enumerate(zip(columns, borders, strict=True)):
            answer = row[column] > border
            leaves = [leaf for leaf in leaves if bool(leaf >> level & 1) == answer]
            after = expect(values, weights, leaves, len(columns) - level - 1)
            credit[column] += after - before
            before = after
    return credit


def expect(values: np.ndarray, weights: np.ndarray, leaves: list[int], levels: int) -> float:
    """The weighted mean of the leaves below a node; where none was ever reached, children count alike."""
    if levels == 0:
        return float(values[leaves[0]])
    total = sum(weights[leaf] for leaf in leaves)
    half = len(leaves) // 2
    low, high = (sorted(leaves)[:half], sorted(leaves)[half:]) if levels == 1 else split(leaves, levels, len(values))
    shares = (sum(weights[leaf] for leaf in part) / total if total else 0.5 for part in (low, high))
    return float(
        sum(share * expect(values, weights, part, levels - 1) for share, part in zip(shares, (low, high), strict=True))
    )


def split(leaves: list[int], levels: int, size: int) -> tuple[list[int], list[int]]:
    """The leaves by the answer at the next level."""
    level = size.bit_length() - 1 - levels
    return [leaf for leaf in leaves if not leaf >> level & 1], [leaf for leaf in leaves if leaf >> level & 1]


def explain(trees: ObliviousTrees, rows: Matrix) -> np.ndarray:
    return run_graph(export_trees(trees, None, "test"), [CONTRIBUTIONS], rows)[0].astype(np.float64)


@pytest.mark.parametrize("depth", [1, 2, 4, 6])
def test_each_level_credits_its_feature_with_what_the_answer_changed(depth: int) -> None:
    trees = random_trees(count=5, depth=depth)
    rows = random_rows(60)
    expected = [walk(trees, row) for row in rows.tolist()]
    assert explain(trees, rows) == pytest.approx(np.array(expected), abs=1e-6)


def test_contributions_add_up_to_the_log_odds_for_every_row_even_at_the_borders() -> None:
    trees = freeze_catboost(a_classifier())
    rows = boundary_rows(trees)
    total = explain(trees, rows).sum(axis=1) + trees.expected_log_odds()
    assert total == pytest.approx(trees.log_odds(rows), abs=1e-6)
    assert a_classifier().predict(rows, prediction_type="RawFormulaVal") == pytest.approx(total, abs=1e-6)


def test_contributions_of_shallow_trees_credit_no_feature_for_the_levels_that_are_not_there() -> None:
    lower = random_trees(count=4, depth=3)
    padded = dataclasses.replace(
        lower,
        split_features=np.pad(lower.split_features, ((0, 0), (0, 2))),
        borders=np.pad(lower.borders, ((0, 0), (0, 2)), constant_values=np.inf),
        leaf_values=np.tile(lower.leaf_values, 4),
        leaf_weights=np.tile(lower.leaf_weights, 4),
    )
    rows = boundary_rows(lower)
    assert padded.log_odds(rows).tolist() == lower.log_odds(rows).tolist()
    assert explain(padded, rows) == pytest.approx(explain(lower, rows), abs=1e-7)


def test_the_calibration_does_not_change_contributions() -> None:
    trees, rows = random_trees(), random_rows(50)
    calibrated = Model(export_trees(trees, Platt(2.0, 1.0), "test"), FEATURES)
    assert calibrated.contributions(rows).tobytes() == explain(trees, rows).astype(np.float32).tobytes()


def test_a_missing_value_may_contribute_and_a_feature_that_is_never_asked_does_not() -> None:
    trees = dataclasses.replace(random_trees(), split_features=np.full((12, 6), 3, np.int32))
    rows = np.full((1, FEATURES), np.nan, np.float32)
    found = explain(trees, rows)[0]
    assert found[3] == pytest.approx(trees.log_odds(rows)[0] - trees.expected_log_odds(), abs=1e-6)
    assert found[3] != 0
    assert np.flatnonzero(found).tolist() == [3]


def test_contributions_are_not_computed_when_they_are_switched_off() -> None:
    graph, rows = export_trees(random_trees(), None, "test"), random_rows(40)
    alone, nothing = run_graph(graph, [PROBABILITY, CONTRIBUTIONS], rows, is_explaining=False)
    both, explained = run_graph(graph, [PROBABILITY, CONTRIBUTIONS], rows)
    assert (nothing.shape, explained.shape) == ((0, FEATURES), (40, FEATURES))
    assert alone.tobytes() == both.tobytes()
