"""The trees' graph against CatBoost and against its own definition: parity, bits, sizes."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from consumer.scoring.model import CONTRIBUTIONS, PROBABILITY, Model
from consumer.training.calibration import Isotonic, Platt
from consumer.training.export import NotExportable
from consumer.training.export_trees import export_trees
from consumer.training.trees import ObliviousTrees, freeze_catboost
from tests.tree_builders import (
    FEATURES,
    a_classifier,
    a_session,
    boundary_rows,
    expose,
    random_rows,
    random_trees,
    run_graph,
)

ROOT = Path(__file__).parents[2]
CURVE = Isotonic((-3.0, -1.0, -0.999, 0.5, 2.0), (0.001, 0.01, 0.4, 0.4, 0.97))
CALIBRATIONS = pytest.mark.parametrize(
    "calibration", [None, Platt(1.7, -0.4), CURVE], ids=["none", "platt", "isotonic"]
)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"nan_mode": "Forbidden", "ignored_features": [0, 1, 2]},
        {"boost_from_average": True, "class_weights": [1, 8]},
        {"loss_function": "CrossEntropy", "depth": 8, "iterations": 8},
        {"depth": 1, "iterations": 3},
    ],
    ids=str,
)
def test_the_graph_answers_as_catboost_does_at_every_border_and_for_values_that_are_hardly_numbers(
    settings: dict[str, Any],
) -> None:
    classifier = a_classifier(**settings)
    trees = freeze_catboost(classifier)
    rows = boundary_rows(trees)
    log_odds = classifier.predict(rows, prediction_type="RawFormulaVal")
    (probability,) = run_graph(export_trees(trees, None, "test"), [PROBABILITY], rows)
    assert probability == pytest.approx(classifier.predict_proba(rows)[:, 1], abs=1e-6)
    assert trees.log_odds(rows) == pytest.approx(log_odds, rel=1e-9, abs=1e-12)
    inner = (probability > 0.01) & (probability < 0.99)
    found = probability[inner].astype(np.float64)
    assert np.log(found / (1 - found)) == pytest.approx(log_odds[inner], rel=1e-6, abs=1e-5)


def test_rows_that_probe_a_border_fall_on_both_sides_of_it() -> None:
    trees = random_trees(count=1, depth=1)
    at_least, above = trees.leaf_values[0] + trees.bias
    below_at_above = trees.log_odds(boundary_rows(trees)[-13:-10])
    assert below_at_above.tolist() == pytest.approx([at_least, at_least, above])


@CALIBRATIONS
def test_the_calibration_is_in_the_graph(calibration: Platt | Isotonic | None) -> None:
    trees, rows = random_trees(), random_rows(3000)
    expected = (calibration or Platt(1.0, 0.0)).probabilities(trees.log_odds(rows))
    (probability,) = run_graph(export_trees(trees, calibration, "test"), [PROBABILITY], rows)
    assert probability == pytest.approx(expected, abs=1e-7)


def stairs(steps: npt.NDArray[np.float64]) -> ObliviousTrees:
    """Trees over one feature whose log-odds are `steps[k]` where the feature is k."""
    rises = np.diff(steps)
    return ObliviousTrees(
        feature_count=1,
        split_features=np.zeros((len(rises), 1), np.int32),
        borders=np.arange(0.5, len(rises), dtype=np.float32)[:, None],
        leaf_values=np.column_stack([np.zeros_like(rises), rises]),
        leaf_weights=np.ones((len(rises), 2)),
        bias=float(steps[0]),
    )


def test_an_isotonic_graph_is_level_beyond_its_ends_and_never_falls_between() -> None:
    near = np.add.outer(np.array(CURVE.log_odds), np.arange(-3, 4) * 2.0**-32).ravel()
    steps = np.sort(np.rint(np.concatenate([np.linspace(-5, 5, 1000), near]) * 2**32) / 2**32)
    rows = np.arange(len(steps), dtype=np.float32)[:, None]
    found = run_graph(export_trees(stairs(steps), CURVE, "test"), [PROBABILITY], rows)[0]
    assert found.tolist() == sorted(found.tolist())
    assert found == pytest.approx(CURVE.probabilities(steps), abs=1e-6)
    assert found[[0, -1]].tolist() == pytest.approx([0.001, 0.97])
    assert len(np.unique(found)) > 300


@CALIBRATIONS
@pytest.mark.parametrize("size", [1, 2, 3, 7, 15, 16, 17, 63, 600])
def test_a_row_has_the_same_bits_in_batches_of_any_size(calibration: Platt | Isotonic | None, size: int) -> None:
    trees, rows = random_trees(count=60), random_rows(600)
    graph = export_trees(trees, calibration, "test")
    model = Model(graph, FEATURES)
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    assert b"".join(model.probabilities(part).tobytes() for part in parts) == model.probabilities(rows).tobytes()
    assert b"".join(model.contributions(part).tobytes() for part in parts) == model.contributions(rows).tobytes()
    exposed = a_session(expose(graph, "exact_probability"))
    exact = [exposed.run(["exact_probability"], {"features": part})[0] for part in (rows, *parts)]
    assert b"".join(part.tobytes() for part in exact[1:]) == exact[0].tobytes()


def test_the_sum_over_the_trees_is_exact_so_that_their_order_does_not_show_in_a_bit() -> None:
    trees, rows = random_trees(count=200), random_rows(500)
    turned = {name: getattr(trees, name)[::-1] for name in ("split_features", "borders", "leaf_values", "leaf_weights")}
    graphs = [export_trees(order, None, "test") for order in (trees, dataclasses.replace(trees, **turned))]
    one, other = (run_graph(expose(graph, "value_sum"), ["value_sum"], rows)[0] for graph in graphs)
    assert one.tobytes() == other.tobytes()
    assert one == pytest.approx(trees.log_odds(rows) - trees.bias, abs=200 * 2.0**-33)


def test_all_that_is_summed_is_a_whole_multiple_of_one_unit() -> None:
    proto = onnx.load_model_from_string(export_trees(random_trees(), None, "test"))
    tables = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for name in ("leaf_values", "changes"):
        assert (tables[name] * 2.0**32 == np.rint(tables[name] * 2.0**32)).all()
        assert tables[name].any()


def test_a_batch_without_rows_has_no_answers() -> None:
    probability, contributions = run_graph(
        export_trees(random_trees(), None, "test"), [PROBABILITY, CONTRIBUTIONS], random_rows(0)
    )
    assert (probability.shape, contributions.shape) == ((0,), (0, FEATURES))


_FORKS = """
import os, sys
import numpy as np
from consumer.scoring.model import Model
graph, rows = sys.argv[1:]
rows = np.load(rows)
model = Model(open(graph, "rb").read(), rows.shape[1])
def answer(): return model.probabilities(rows).tobytes() + model.contributions(rows).tobytes()
expected = answer()
for _ in range(50):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(writer, "wb") as out:
            out.write(answer())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as found:
        assert found.read() == expected
    assert os.waitpid(child, 0)[1] == 0
print("equal", len(os.listdir("/proc/self/task")))
"""


@CALIBRATIONS
def test_fifty_forked_children_score_and_explain_to_the_same_bits(
    calibration: Platt | Isotonic | None, tmp_path: Path
) -> None:
    graph, rows = tmp_path / "model.onnx", tmp_path / "rows.npy"
    graph.write_bytes(export_trees(random_trees(count=60), calibration, "test"))
    np.save(rows, random_rows(300))
    done = subprocess.run(
        [sys.executable, "-c", _FORKS, str(graph), str(rows)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env={"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("equal 1", "")


def test_the_graph_is_small_old_enough_for_every_supported_runtime_and_free_of_machine_facts() -> None:
    trees = random_trees(count=300, features=95)
    graph = export_trees(trees, CURVE, "test")
    proto = onnx.load_model_from_string(graph)
    assert len(graph) < 2_000_000
    assert (proto.ir_version, [opset.version for opset in proto.opset_import]) == (8, [17])
    assert graph == export_trees(trees, CURVE, "test")
    assert not any(node.doc_string for node in proto.graph.node)


def test_trees_that_the_graph_cannot_hold_are_refused() -> None:
    with pytest.raises(NotExportable, match="depth=8 at most"):
        export_trees(random_trees(depth=9), None, "test")
    for changes in (
        {"bias": np.nan},
        {"leaf_values": np.full((12, 64), 1e6)},
        {"leaf_values": np.full((12, 64), np.inf)},
    ):
        with pytest.raises(NotExportable, match="lower learning rate"):
            export_trees(dataclasses.replace(random_trees(), **changes), None, "test")
