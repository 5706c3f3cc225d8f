"""A linear model as an ONNX graph whose answer does not depend on the batch, and hardly on the machine."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper

from consumer.scoring.model import CONTRIBUTIONS, INPUT, PROBABILITY
from consumer.training.graph import SIGMOID_CONSTANTS, Arrays, pack_graph, sigmoid_nodes
from consumer.training.logistic import LinearModel

_FIXED_POINT_BITS = 32
_MAX_CONTRIBUTION = 2.0**20
"""How large one contribution may become (values stay below 64): 2,000 of them fit into the fixed point's 63 bits."""
_LARGEST_VALUE = 64.0


class NotExportable(ValueError):
    """The weights are not finite or too large for the graph's fixed point: standardise, or raise the penalty."""


def export_linear(model: LinearModel, name: str) -> bytes:
    """Return the ONNX bytes: float32 `features` [N, F] to float32 `probability` [N] and `contributions` [N, F].

    contributions = (value - mean) x weight, 0 where the value is missing. They are summed as integers, in units of 2^-32, because a
    floating-point sum depends on the order that a kernel takes. Raises `NotExportable`.
    """
    _check(model)
    return pack_graph(name, _nodes(), _constants(model), len(model.weights))


def _check(model: LinearModel) -> None:
    largest = float(np.abs(model.weights).max(initial=0.0)) * _LARGEST_VALUE
    if not math.isfinite(model.bias) or not largest < _MAX_CONTRIBUTION or not np.isfinite(model.means).all():
        raise NotExportable(NotExportable.__doc__)


def _nodes() -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("IsNaN", [INPUT], ["is_missing"]),
        node("Sub", [INPUT, "means"], ["centred"]),
        node("Mul", ["centred", "weights"], ["weighted"]),
        node("Where", ["is_missing", "zero", "weighted"], [CONTRIBUTIONS]),
        node("Mul", [CONTRIBUTIONS, "unit"], ["scaled"]),
        node("Cast", ["scaled"], ["whole"], to=TensorProto.INT64),
        node("ReduceSum", ["whole", "axis"], ["whole_sum"], keepdims=1),
        node("Cast", ["whole_sum"], ["scaled_sum"], to=TensorProto.DOUBLE),
        node("Mul", ["scaled_sum", "minus_unit_back"], ["minus_sum"]),
        node("Sub", ["minus_sum", "bias"], ["minus_log_odds"]),
        *sigmoid_nodes(),
        node("Cast", ["exact_probability"], [PROBABILITY], to=TensorProto.FLOAT),
    ]


def _constants(model: LinearModel) -> Arrays:
    unit = 2.0**_FIXED_POINT_BITS
    return {
        "means": model.means,
        "weights": model.weights,
        "zero": np.zeros((), np.float32),
        "unit": np.array(unit, np.float32),
        "axis": np.array([1], np.int64),
        "minus_unit_back": np.array(-1 / unit, np.float64),
        "bias": np.array(model.bias, np.float64),
        **SIGMOID_CONSTANTS,
    }
