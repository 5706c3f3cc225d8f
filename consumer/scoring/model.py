"""The ONNX model in memory. The only module that knows ONNX Runtime; it sees matrices, never transactions."""

from __future__ import annotations

import os
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from consumer.scoring.features import Matrix

# From 1.29 the import alone sends telemetry from a thread, which also makes forked children hang at their exit.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

INPUT, PROBABILITY, CONTRIBUTIONS = "features", "probability", "contributions"
EXPLAIN = "explain"
"""A graph may have this initialiser, true unless fed: ONNX Runtime computes every output, whichever is asked for, so an output that
costs much is switched off."""
ONNXRUNTIME_VERSION: str = ort.__version__


class ModelError(ValueError):
    """The graph is not a scoring model: float32 `features` [N, F] to float32 `probability` [N] and `contributions` [N, F]."""


class Model:
    """A loaded graph. It starts no thread, so that a process that holds it may fork and its children score the same bits."""

    def __init__(self, graph: bytes, feature_count: int) -> None:
        """Load the ONNX bytes; raises `ModelError` when ONNX Runtime refuses them or inputs and outputs are not the contract's."""
        try:
            self._session = ort.InferenceSession(graph, _single_threaded(), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common ancestor but this
            raise ModelError(f"ONNX Runtime {ONNXRUNTIME_VERSION} cannot load the graph: {error}") from error
        _check_signature(self._session, feature_count)
        switches = {node.name for node in self._session.get_overridable_initializers()}
        self._no_explanation = {EXPLAIN: np.array(False)} if EXPLAIN in switches else {}

    def probabilities(self, features: Matrix) -> npt.NDArray[np.float32]:
        """Return P(fraud), shape [N], for `features` [N, F] with NaN for missing; one call to ONNX Runtime whatever N."""
        return self._run(PROBABILITY, {INPUT: features} | self._no_explanation)

    def contributions(self, features: Matrix) -> Matrix:
        """Return what each feature adds to the log-odds, shape [N, F]. Asked for what may alert only; a missing value may add too."""
        return self._run(CONTRIBUTIONS, {INPUT: features})

    def _run(self, output: str, inputs: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        return cast("npt.NDArray[np.float32]", self._session.run([output], inputs)[0])


def _single_threaded() -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _check_signature(session: Any, feature_count: int) -> None:
    found = {node.name: (node.type, node.shape[1:]) for node in (*session.get_inputs(), *session.get_outputs())}
    wanted = {
        INPUT: ("tensor(float)", [feature_count]),
        PROBABILITY: ("tensor(float)", []),
        CONTRIBUTIONS: ("tensor(float)", [feature_count]),
    }
    if found != wanted:
        raise ModelError(f"the graph's inputs and outputs are {found}, the contract is {wanted}")
