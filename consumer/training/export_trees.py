"""Symmetric trees as an ONNX graph of plain tensor operators: several times faster than tree operators, and exact to the bit.

Rows lie in the last axis throughout, so that every operator works on long runs of memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from consumer.scoring.model import EXPLAIN, INPUT, PROBABILITY
from consumer.training.calibration import Isotonic, Platt
from consumer.training.export import NotExportable
from consumer.training.graph import SIGMOID_CONSTANTS, Arrays, pack_graph, sigmoid_nodes
from consumer.training.tree_contributions import contribution_constants, contribution_nodes
from consumer.training.trees import ObliviousTrees

_FIXED_POINT_BITS = 32
_MAX_SUM = 2.0**16
"""How large a sum of leaves may become: of such values in units of 2^-32, float64 adds thousands without rounding."""
_MAX_DEPTH = 8
"""The question's weights are powers of two in uint8."""
_UNCHANGED = Platt(1.0, 0.0)


def export_trees(trees: ObliviousTrees, calibration: Platt | Isotonic | None, name: str) -> bytes:
    """Return the ONNX bytes: float32 `features` [N, F] to float32 `probability` [N] and `contributions` [N, F].

    Every distinct question is asked once; a product with powers of two makes leaf numbers of the answers. Node values are rounded to
    2^-32, after which their float64 sums are exact in any order, so that neither the batch nor the kernel shows in a bit. The calibration
    (None leaves the log-odds as they are) is elementwise from there on.

    Contributions are to the log-odds before calibration. Each level of a tree gives its feature what the answer changed: the node's
    expected value minus its parent's (path attribution, Saabas 2014). They sum up to the log-odds minus `trees.expected_log_odds()`.
    A missing value contributes like any other answer: that something is missing may be the reason.

    ONNX Runtime computes every output, wanted or not; so `contributions` can be switched off: feed false for `explain` (a scalar bool
    with the default true, not listed among the inputs), and it has 0 rows. Raises `NotExportable`.
    """
    _check(trees)
    constants = {**_question_constants(trees), **_leaf_constants(trees), **contribution_constants(trees, _round)}
    nodes = [*_leaf_nodes(), contribution_nodes(trees.feature_count)]
    if isinstance(calibration, Isotonic):
        nodes += _isotonic_nodes()
        constants |= _isotonic_constants(calibration)
    else:
        nodes += _platt_nodes()
        constants |= _platt_constants(calibration or _UNCHANGED)
    nodes.append(helper.make_node("Cast", ["exact_probability"], [PROBABILITY], to=TensorProto.FLOAT))
    switch = helper.make_tensor_value_info(EXPLAIN, TensorProto.BOOL, [])
    return pack_graph(name, nodes, constants, trees.feature_count, [switch])


def _check(trees: ObliviousTrees) -> None:
    if trees.depth > _MAX_DEPTH:
        raise NotExportable(f"trees of {trees.depth} levels: train with depth={_MAX_DEPTH} at most")
    largest = abs(trees.bias) + np.abs(trees.leaf_values).max(axis=1).sum()
    if not largest < _MAX_SUM:
        raise NotExportable(
            f"log-odds of up to {largest:.3g}: train with a lower learning rate or a higher l2_leaf_reg"
        )


def _round(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.ldexp(np.rint(np.ldexp(values, _FIXED_POINT_BITS)), -_FIXED_POINT_BITS)


def _leaf_nodes() -> list[onnx.NodeProto]:
    """From `features` [N, F] to `answers` [T, D, N] and `log_odds` [N]."""
    node = helper.make_node
    return [
        node("Transpose", [INPUT], ["columns"], perm=[1, 0]),
        node("Gather", ["columns", "question_columns"], ["asked"], axis=0),
        node("Greater", ["asked", "question_borders"], ["is_greater"]),
        node("Cast", ["is_greater"], ["question_answers"], to=TensorProto.INT8),
        node("Gather", ["question_answers", "questions"], ["answers"], axis=0),
        node("MatMulInteger", ["powers", "answers"], ["leaf_rows"]),
        node("Squeeze", ["leaf_rows", "second_axis"], ["leaves"]),
        node("GatherElements", ["leaf_values", "leaves"], ["values"], axis=1),
        node("ReduceSum", ["values", "first_axis"], ["value_sum"], keepdims=0),
        node("Add", ["value_sum", "bias"], ["log_odds"]),
    ]


def _question_constants(trees: ObliviousTrees) -> Arrays:
    """Return the distinct questions, K, and which of them each level asks, [T, D]."""
    asked = np.stack([trees.split_features.ravel(), trees.borders.ravel().astype(np.float64)], axis=1)
    distinct, places = np.unique(asked, axis=0, return_inverse=True)
    return {
        "question_columns": distinct[:, 0].astype(np.int64),
        "question_borders": distinct[:, 1:].astype(np.float32),
        "questions": places.reshape(trees.borders.shape).astype(np.int32),
    }


def _leaf_constants(trees: ObliviousTrees) -> dict[str, npt.NDArray[Any]]:
    return {
        # Weights unsigned and answers signed: the pair that vector units multiply fastest.
        "powers": (1 << np.arange(trees.depth)).astype(np.uint8)[None],
        "leaf_values": _round(trees.leaf_values),
        "bias": np.array(trees.bias, np.float64),
        "first_axis": np.array([0], np.int64),
        "second_axis": np.array([1], np.int64),
    }


def _platt_nodes() -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("Mul", ["log_odds", "minus_slope"], ["minus_sloped"]),
        node("Add", ["minus_sloped", "minus_intercept"], ["minus_calibrated"]),
        node("Unsqueeze", ["minus_calibrated", "second_axis"], ["minus_log_odds"]),
        *sigmoid_nodes(),
    ]


def _platt_constants(platt: Platt) -> Arrays:
    return {
        "minus_slope": np.array(-platt.slope, np.float64),
        "minus_intercept": np.array(-platt.intercept, np.float64),
        **SIGMOID_CONSTANTS,
    }


def _isotonic_nodes() -> list[onnx.NodeProto]:
    """The segment's number is how many knots the log-odds reach; its line follows from four tables."""
    node = helper.make_node
    return [
        node("GreaterOrEqual", ["log_odds", "knots"], ["is_past_knot"]),
        node("Cast", ["is_past_knot"], ["past_knots"], to=TensorProto.INT32),
        node("ReduceSum", ["past_knots", "first_axis"], ["segment"], keepdims=0),
        *(node("Gather", [table, "segment"], [table.removesuffix("s")]) for table in _SEGMENT_TABLES),
        node("Sub", ["log_odds", "segment_start"], ["beyond_start"]),
        node("Mul", ["beyond_start", "segment_slope"], ["rise"]),
        node("Add", ["segment_value", "rise"], ["risen"]),
        node("Min", ["risen", "segment_ceiling"], ["exact_probability"]),
    ]


_SEGMENT_TABLES = ("segment_starts", "segment_values", "segment_slopes", "segment_ceilings")


def _isotonic_constants(isotonic: Isotonic) -> Arrays:
    knots = np.array(isotonic.log_odds, np.float64)[:, None]
    return {"knots": knots, **dict(zip(_SEGMENT_TABLES, isotonic.segments(), strict=True))}
