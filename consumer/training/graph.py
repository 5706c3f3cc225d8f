"""What the graphs of all model families share: the ONNX version, the sigmoid, and how nodes become bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from consumer.scoring.model import CONTRIBUTIONS, INPUT, PROBABILITY

OPSET, IR_VERSION = 17, 8
"""Old on purpose: ONNX Runtime 1.13 and newer read them."""
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
_LANES = 16
SIGMOID_CONSTANTS: Arrays = {
    "lanes": np.ones((1, _LANES), np.float64),
    "one": np.array(1.0, np.float64),
    "first": np.array(0, np.int64),
}


def sigmoid_nodes() -> list[onnx.NodeProto]:
    """Return the nodes from float64 `minus_log_odds` [N, 1] to float64 `exact_probability` [N]; they need `SIGMOID_CONSTANTS`.

    In float64, since a float32 Sigmoid is only an approximation that differs between CPUs; one exponential remains inexact. It runs over
    sixteen equal lanes per row, because the remainder loop of a vector kernel may round otherwise than its body, and then a score would
    depend on the batch's size.
    """
    node = helper.make_node
    return [
        node("Mul", ["minus_log_odds", "lanes"], ["minus_log_odds_lanes"]),
        node("Exp", ["minus_log_odds_lanes"], ["odds_against_lanes"]),
        node("Gather", ["odds_against_lanes", "first"], ["odds_against"], axis=1),
        node("Add", ["odds_against", "one"], ["inverse"]),
        node("Reciprocal", ["inverse"], ["exact_probability"]),
    ]


def pack_graph(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    constants: Arrays,
    feature_count: int,
    switches: Sequence[onnx.ValueInfoProto] = (),
) -> bytes:
    """Return the checked ONNX bytes of a scoring model; equal arguments give equal bytes.

    `switches` name constants that a caller may replace for one run.
    """
    probability = helper.make_tensor_value_info(PROBABILITY, TensorProto.FLOAT, ["rows"])
    outputs = [probability, describe_matrix(CONTRIBUTIONS, feature_count, "explained_rows")]
    tensors = [numpy_helper.from_array(array, key) for key, array in constants.items()]
    inputs = [describe_matrix(INPUT, feature_count), *switches]
    graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="fraudstream")
    proto.ir_version = IR_VERSION
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def describe_matrix(name: str, feature_count: int, rows: str = "rows") -> onnx.ValueInfoProto:
    """Return the type float32 [N, F] for a tensor of this name."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [rows, feature_count])
