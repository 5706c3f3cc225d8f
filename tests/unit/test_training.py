"""Logistic regression, its graph, and the small bundles made of it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import onnx
import pytest

from consumer.scoring.bundle import load_bundle
from consumer.scoring.features import EVENT, Matrix
from consumer.scoring.model import Model
from consumer.training import logistic
from consumer.training.export import NotExportable, export_linear
from consumer.training.linear_bundle import make_linear_bundle
from consumer.training.logistic import LinearModel, NotConverged, OneClassOnly, fit_logistic
from consumer.training.metrics import Labels


def a_sample(count: int = 20_000, missing: float = 0.1) -> tuple[Matrix, Labels]:
    """Values whose true weights are 1, -2 and 0 about means of 3, with log-odds of -2 there; a share of the first is missing."""
    random = np.random.default_rng(7)
    values = random.normal(3.0, 1.0, (count, 3))
    log_odds = (values - 3.0) @ np.array([1.0, -2.0, 0.0]) - 2.0
    labels = random.random(count) < 1 / (1 + np.exp(-log_odds))
    values[random.random(count) < missing, 0] = np.nan
    return values.astype(np.float32), labels


def test_the_fit_finds_the_weights_that_made_the_data() -> None:
    model = fit_logistic(*a_sample(missing=0.0))
    assert model.weights.tolist() == pytest.approx([1.0, -2.0, 0.0], abs=0.1)
    assert model.bias == pytest.approx(-2.0, abs=0.1)
    assert model.means.tolist() == pytest.approx([3.0] * 3, abs=0.05)


def test_the_mean_score_is_the_share_of_fraud() -> None:
    features, labels = a_sample()
    assert fit_logistic(features, labels).probabilities(features).mean() == pytest.approx(labels.mean(), abs=1e-5)


def test_a_missing_value_counts_as_the_mean() -> None:
    model = fit_logistic(*a_sample())
    known = np.array([[model.means[0], 1.0, 2.0]], np.float32)
    missing = np.array([[np.nan, 1.0, 2.0]], np.float32)
    assert model.probabilities(missing).tolist() == model.probabilities(known).tolist()


@pytest.mark.filterwarnings("error")
def test_columns_that_never_vary_or_are_never_there_get_no_weight() -> None:
    features, labels = a_sample()
    flat = np.column_stack([features, np.full(len(features), 5.0), np.full(len(features), np.nan)]).astype(np.float32)
    model = fit_logistic(flat, labels)
    assert model.weights[3:].tolist() == [0.0, 0.0]
    assert np.isfinite(model.means).all()
    assert model.weights[:3].tolist() == fit_logistic(features, labels).weights.tolist()


def test_a_rare_flag_that_only_frauds_have_gets_a_bounded_weight() -> None:
    features, labels = a_sample()
    rare = np.zeros(len(features))
    rare[np.flatnonzero(labels)[:3]] = 1.0
    model = fit_logistic(np.column_stack([features, rare]).astype(np.float32), labels)
    assert 0 < model.weights[3] < 2.0


def test_a_higher_penalty_gives_smaller_weights() -> None:
    features, labels = a_sample(2000)
    weak, strong = fit_logistic(features, labels, 1.0), fit_logistic(features, labels, 1000.0)
    assert np.abs(strong.weights).sum() < np.abs(weak.weights).sum()


def test_classes_that_one_feature_separates_do_not_converge_without_a_penalty() -> None:
    features = np.linspace(-1, 1, 100, dtype=np.float32)[:, None]
    with pytest.raises(NotConverged, match="raise the penalty"):
        fit_logistic(features, features[:, 0] > 0, penalty=0.0)


def test_a_fit_that_does_not_settle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "_MAX_STEPS", 1)
    with pytest.raises(NotConverged):
        fit_logistic(*a_sample())


@pytest.mark.parametrize("label", [True, False])
def test_one_class_alone_teaches_nothing(label: bool) -> None:
    features, _ = a_sample(100)
    with pytest.raises(OneClassOnly, match="label more events"):
        fit_logistic(features, np.full(100, label))


def test_the_sigmoid_is_right_to_the_last_bit_far_into_its_tails() -> None:
    log_odds = np.linspace(-80, 80, 10_001, dtype=np.float32)
    model = Model(export_linear(LinearModel(np.zeros(1, np.float32), np.ones(1, np.float32), 0.0), "test"), 1)
    expected = np.array([1 / (1 + math.exp(-value)) for value in log_odds.tolist()]).astype(np.float32)
    assert model.probabilities(log_odds[:, None]).tobytes() == expected.tobytes()


def test_the_graph_answers_what_the_fit_does() -> None:
    features, labels = a_sample()
    fitted = fit_logistic(features, labels)
    model = Model(export_linear(fitted, "test"), 3)
    assert model.probabilities(features) == pytest.approx(fitted.probabilities(features), abs=1e-6)
    centred = np.where(np.isnan(features), 0, features - fitted.means)
    assert model.contributions(features) == pytest.approx(centred * fitted.weights, abs=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 15, 16, 17, 63, 1000])
def test_the_graph_scores_a_row_to_the_same_bits_in_batches_of_any_size(size: int) -> None:
    random = np.random.default_rng(3)
    fitted = LinearModel(
        random.normal(size=53).astype(np.float32), random.normal(size=53).astype(np.float32), bias=-1.0
    )
    features = random.normal(size=(2000, 53)).astype(np.float32)
    model = Model(export_linear(fitted, "test"), 53)
    parts = [model.probabilities(features[start : start + size]) for start in range(0, 2000, size)]
    assert np.concatenate(parts).tobytes() == model.probabilities(features).tobytes()


def test_the_graph_is_old_enough_for_every_supported_runtime_and_free_of_machine_facts() -> None:
    model = LinearModel(np.zeros(3, np.float32), np.ones(3, np.float32), 0.0)
    proto = onnx.load_model_from_string(export_linear(model, "test"))
    assert (proto.ir_version, [opset.version for opset in proto.opset_import]) == (8, [17])
    assert export_linear(model, "test") == export_linear(model, "test")
    assert not any(node.doc_string for node in proto.graph.node)


@pytest.mark.parametrize(
    "changes", [{"weights": np.array([np.nan], np.float32)}, {"weights": np.array([1e9], np.float32)}, {"bias": np.inf}]
)
def test_weights_that_the_graph_cannot_hold_are_refused(changes: dict[str, object]) -> None:
    model = dataclasses.replace(LinearModel(np.zeros(1, np.float32), np.ones(1, np.float32), 0.0), **changes)  # type: ignore[arg-type]
    with pytest.raises(NotExportable):
        export_linear(model, "test")


def test_a_linear_bundle_is_made_in_seconds_loads_and_gives_equal_bytes_twice(tmp_path: Path) -> None:
    manifests = [make_linear_bundle(tmp_path / name, 4000, seed=3) for name in ("one", "other")]
    contents = [{file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "other")]
    assert contents[0] == contents[1]
    assert manifests[0].feature_set == EVENT.name
    assert load_bundle(tmp_path / "one").manifest == manifests[0]


def test_another_seed_gives_another_model(tmp_path: Path) -> None:
    assert len({make_linear_bundle(tmp_path / str(seed), 3000, seed).model_version for seed in (1, 2)}) == 2
