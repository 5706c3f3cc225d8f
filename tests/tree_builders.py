"""CatBoost classifiers, trees made of random numbers, and rows that probe every border of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from catboost import CatBoostClassifier

from consumer.scoring.features import Matrix
from consumer.training.metrics import Labels
from consumer.training.trees import ObliviousTrees

FEATURES = 8


def a_sample(rows: int = 3000) -> tuple[Matrix, Labels]:
    """Numbers, flags, counts and a constant; the first two and the flags have missing values, the last is never missing."""
    random = np.random.default_rng(11)
    features = random.normal(size=(rows, FEATURES))
    features[:, 2] = features[:, 2] > 1
    features[:, 3] = random.integers(0, 24, rows)
    features[:, 4] = 5.0
    log_odds = np.where(features[:, 0] > 0.5, 1.5, -1.0) + features[:, 1] * features[:, 7] + features[:, 2] - 1
    labels = random.random(rows) < 1 / (1 + np.exp(-log_odds))
    features[:, :3][random.random((rows, 3)) < 0.2] = np.nan
    return features.astype(np.float32), labels


def a_classifier(**settings: Any) -> CatBoostClassifier:
    """A small fitted model; `settings` are CatBoost's."""
    defaults = {"iterations": 20, "depth": 5, "learning_rate": 0.3, "random_seed": 3, "thread_count": 1}
    classifier = CatBoostClassifier(**(defaults | {"verbose": False, "allow_writing_files": False} | settings))
    classifier.fit(*a_sample())
    return classifier


def random_trees(count: int = 12, depth: int = 6, features: int = FEATURES, seed: int = 1) -> ObliviousTrees:
    """Trees over normally distributed features; some leaves and whole branches have seen no training row."""
    random = np.random.default_rng(seed)
    weights = random.integers(0, 50, (count, 1 << depth)).astype(np.float64)
    weights[:, :: 1 << (depth // 2)] = 0
    return ObliviousTrees(
        features,
        random.integers(0, features, (count, depth)).astype(np.int32),
        random.normal(size=(count, depth)).round(1).astype(np.float32),
        random.normal(0, 0.2, (count, 1 << depth)),
        weights,
        bias=-1.25,
    )


def random_rows(rows: int, features: int = FEATURES, seed: int = 2) -> Matrix:
    """Rows for `random_trees`; a tenth of the values is missing."""
    random = np.random.default_rng(seed)
    found = random.normal(size=(rows, features))
    found[random.random(found.shape) < 0.1] = np.nan
    return found.astype(np.float32)


def boundary_rows(trees: ObliviousTrees) -> Matrix:
    """Rows with each border of the trees hit, missed by the least there is on both sides, and with values that are hardly numbers."""
    strange = [np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 1e-45, -1e-45, 0.0, -0.0, 1e-38]
    values = [(column, value) for column in range(trees.feature_count) for value in strange]
    for column, border in zip(trees.split_features.ravel().tolist(), trees.borders.ravel(), strict=True):
        with np.errstate(over="ignore"):  # CatBoost's border between missing and all numbers is the least float32
            near = (np.nextafter(border, np.float32(-np.inf)), border, np.nextafter(border, np.float32(np.inf)))
        values += [(column, float(value)) for value in near]
    rows = random_rows(len(values) + len(strange), trees.feature_count)
    for place, (column, value) in enumerate(values):
        rows[place, column] = value
    rows[len(values) :] = np.array(strange, np.float32)[:, None]
    return rows


def expose(graph: bytes, name: str) -> bytes:
    """Return the graph with an inner float64 tensor [N] as one more output: float32 hides the bits that must not differ."""
    proto = onnx.load_model_from_string(graph)
    proto.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, ["rows"]))
    return bytes(proto.SerializeToString())


def a_session(graph: bytes) -> Any:
    """Load the graph as the consumer does, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def run_graph(
    graph: bytes, outputs: Sequence[str], features: Matrix, *, is_explaining: bool = True
) -> list[npt.NDArray[np.float32]]:
    """Run the graph once with the switch for contributions fed."""
    found: list[npt.NDArray[np.float32]] = a_session(graph).run(
        outputs, {"features": features, "explain": np.array(is_explaining)}
    )
    return found
