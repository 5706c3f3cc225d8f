"""A linear model as an ONNX graph whose answer does not depend on the batch, and hardly on the machine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from consumer.scoring.model import CONTRIBUTIONS, INPUT, PROBABILITY
from consumer.training.logistic import LinearModel

_OPSET, _IR_VERSION = 17, 8
"""Old on purpose: ONNX Runtime 1.13 and newer read them."""
_FIXED_POINT_BITS = 32
_MAX_CONTRIBUTION = 2.0**20
"""How large one contribution may become (values stay below 64): 2,000 of them fit into the fixed point's 63 bits."""
_LARGEST_VALUE = 64.0
_LANES = 16


class NotExportable(ValueError):
    """The weights are not finite or too large for the graph's fixed point: standardise, or raise the penalty."""


def export_linear(model: LinearModel, name: str) -> bytes:
    """Return the ONNX bytes: float32 `features` [N, F] to float32 `probability` [N] and `contributions` [N, F].

    contributions = (value - mean) x weight, 0 where the value is missing. They are summed as integers, in units of 2^-32, because a
    floating-point sum depends on the order that a kernel takes. The rest is float64, since a float32 Sigmoid is only an approximation
    that differs between CPUs; one exponential remains inexact. It runs over sixteen equal lanes per row, because the remainder
    loop of a vector kernel may round otherwise than its body, and then a score would depend on the batch's size.
    Raises `NotExportable`.
    """
    _check(model)
    graph = helper.make_graph(_nodes(), name, [_matrix(INPUT, model)], _outputs(model), _constants(model))
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="fraudstream")
    proto.ir_version = _IR_VERSION
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


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
        node("Mul", ["minus_log_odds", "lanes"], ["minus_log_odds_lanes"]),
        node("Exp", ["minus_log_odds_lanes"], ["odds_against_lanes"]),
        node("Gather", ["odds_against_lanes", "first"], ["odds_against"], axis=1),
        node("Add", ["odds_against", "one"], ["inverse"]),
        node("Reciprocal", ["inverse"], ["exact_probability"]),
        node("Cast", ["exact_probability"], [PROBABILITY], to=TensorProto.FLOAT),
    ]


def _constants(model: LinearModel) -> list[onnx.TensorProto]:
    unit = 2.0**_FIXED_POINT_BITS
    arrays: dict[str, npt.NDArray[Any]] = {
        "means": model.means,
        "weights": model.weights,
        "zero": np.zeros((), np.float32),
        "unit": np.array(unit, np.float32),
        "axis": np.array([1], np.int64),
        "minus_unit_back": np.array(-1 / unit, np.float64),
        "bias": np.array(model.bias, np.float64),
        "lanes": np.ones((1, _LANES), np.float64),
        "one": np.array(1.0, np.float64),
        "first": np.array(0, np.int64),
    }
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def _matrix(name: str, model: LinearModel) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", len(model.weights)])


def _outputs(model: LinearModel) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(PROBABILITY, TensorProto.FLOAT, ["rows"]), _matrix(CONTRIBUTIONS, model)]
