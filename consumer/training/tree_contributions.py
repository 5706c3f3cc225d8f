"""The part of the trees' graph that explains a score: apart, because it runs only for what is to be explained."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from consumer.scoring.model import CONTRIBUTIONS, EXPLAIN
from consumer.training.graph import Arrays, describe_matrix
from consumer.training.trees import ObliviousTrees

_Floats: TypeAlias = npt.NDArray[np.float64]


def contribution_nodes(feature_count: int) -> onnx.NodeProto:
    """Return the node from `answers` [T, D, N] to `contributions` [N, F], or [0, F] when switched off."""
    explained, nothing = (describe_matrix(name, feature_count, "explained_rows") for name in ("explained", "nothing"))
    spared = helper.make_node("Identity", ["no_rows"], ["nothing"])
    return helper.make_node(
        "If",
        [EXPLAIN],
        [CONTRIBUTIONS],
        then_branch=helper.make_graph(_nodes(), "explain_rows", [], [explained]),
        else_branch=helper.make_graph([spared], "explain_nothing", [], [nothing]),
    )


def _nodes() -> list[onnx.NodeProto]:
    """The sum of a feature is the difference of two running sums: exact, as all values are whole multiples of one unit."""
    node = helper.make_node
    return [
        node("MatMulInteger", ["path_powers", "answers"], ["reached_of_level"]),
        node("Add", ["reached_of_level", "level_offsets"], ["reached"]),
        node("Reshape", ["reached", "by_tree"], ["reached_by_tree"]),
        node("GatherElements", ["changes", "reached_by_tree"], ["changes_by_tree"], axis=1),
        node("Reshape", ["changes_by_tree", "by_level"], ["changes_by_level"]),
        node("Gather", ["changes_by_level", "levels_by_feature"], ["changes_by_feature"], axis=0),
        node("CumSum", ["changes_by_feature", "running_axis"], ["running_sums"], exclusive=1),
        node("Gather", ["running_sums", "feature_ends"], ["sums_to_end"], axis=0),
        node("Gather", ["running_sums", "feature_starts"], ["sums_to_start"], axis=0),
        node("Sub", ["sums_to_end", "sums_to_start"], ["exact_contributions"]),
        node("Cast", ["exact_contributions"], ["contribution_columns"], to=TensorProto.FLOAT),
        node("Transpose", ["contribution_columns"], ["explained"], perm=[1, 0]),
    ]


def contribution_constants(trees: ObliviousTrees, rounded: Callable[[_Floats], _Floats]) -> Arrays:
    """Return what the node needs; `rounded` puts node values on the grid on which sums are exact."""
    count, depth = trees.borders.shape
    powers = 1 << np.arange(depth)
    return {
        EXPLAIN: np.array(True),
        "no_rows": np.zeros((0, trees.feature_count), np.float32),
        # Row j takes the answers of the levels 0 to j: the number of the node below level j.
        "path_powers": np.tril(np.broadcast_to(powers, (depth, depth))).astype(np.uint8),
        "level_offsets": (2 * powers - 2).astype(np.int32)[:, None],
        "changes": _changes([rounded(values) for values in trees.node_values()]),
        "by_tree": np.array([count, -1], np.int64),
        "by_level": np.array([count * depth, -1], np.int64),
        **_feature_constants(trees.split_features.ravel(), trees.feature_count),
    }


def _feature_constants(asked: npt.NDArray[np.int32], feature_count: int) -> dict[str, npt.NDArray[Any]]:
    """Return the levels in the order of their features and where each feature starts and ends in it."""
    order = np.argsort(asked, kind="stable")
    edges = np.searchsorted(asked[order], np.arange(feature_count + 1))
    return {
        # A running sum that leaves out its own row needs one row more to reach the end; which one does not matter.
        "levels_by_feature": np.append(order, 0).astype(np.int32),
        "feature_starts": edges[:-1].astype(np.int32),
        "feature_ends": edges[1:].astype(np.int32),
        "running_axis": np.array(0, np.int64),
    }


def _changes(node_values: list[_Floats]) -> _Floats:
    """Return each node's value minus its parent's, level after level below the root: [T, 2 + 4 + ... + 2^D]."""
    return np.concatenate([values - np.tile(parents, 2) for parents, values in pairwise(node_values)], axis=1)
