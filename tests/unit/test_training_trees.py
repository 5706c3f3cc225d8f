"""Reading CatBoost's models: what the arrays hold, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor

from consumer.training.catboost_json import UnsupportedTrees
from consumer.training.trees import freeze_catboost, read_catboost
from tests.tree_builders import FEATURES, a_classifier, a_sample, random_rows

QUIET = {"iterations": 3, "depth": 2, "thread_count": 1, "verbose": False, "allow_writing_files": False}


def a_document(**changes: Any) -> bytes:
    """One tree over two features; `changes` replace top-level fields."""
    document = {
        "features_info": {
            "float_features": [{"flat_feature_index": index, "nan_value_treatment": "AsFalse"} for index in (0, 1)]
        },
        "model_info": {"params": {"loss_function": {"type": "Logloss"}}},
        "oblivious_trees": [
            {
                "leaf_values": [1.0, 2.0, 3.0, 4.0],
                "leaf_weights": [1, 3, 0, 0],
                "splits": [{"float_feature_index": 1, "border": 0.5}, {"float_feature_index": 0, "border": 7}],
            },
            {"leaf_values": [0.1, 0.2], "leaf_weights": [2, 2], "splits": [{"float_feature_index": 0, "border": 1}]},
        ],
        "scale_and_bias": [2.0, [10.0]],
    }
    return json.dumps(document | changes).encode()


def test_the_first_question_of_a_tree_is_the_lowest_bit_of_its_leaf() -> None:
    trees = read_catboost(a_document())
    rows = np.array([[0, 0], [0, 1], [8, 0], [8, 1], [np.nan, np.nan]], np.float32)
    assert trees.feature_count == 2
    assert trees.log_odds(rows).tolist() == pytest.approx([12.2, 14.2, 16.4, 18.4, 12.2])


def test_a_node_is_worth_the_weighted_mean_below_it_and_the_plain_mean_where_nobody_went() -> None:
    root, middle, leaves = read_catboost(a_document()).node_values()
    assert root[0].tolist() == [pytest.approx((2 * 1 + 4 * 3) / 4)]
    assert middle[0].tolist() == [2.0, 4.0]
    assert leaves[0].tolist() == [2.0, 4.0, 6.0, 8.0]
    unseen = json.loads(a_document())["oblivious_trees"][:1]
    unseen[0]["leaf_weights"] = [0, 0, 0, 0]
    assert read_catboost(a_document(oblivious_trees=unseen)).node_values()[0].tolist() == [[5.0]]


def test_trees_of_several_depths_stand_in_one_table() -> None:
    trees = read_catboost(a_document())
    assert trees.borders.tolist() == [[0.5, 7.0], [1.0, np.inf]]
    assert trees.leaf_values[1].tolist() == [0.2, 0.4, 0.2, 0.4]


def test_the_columns_are_those_of_the_training_data_whatever_was_ignored() -> None:
    trees = freeze_catboost(a_classifier(ignored_features=[0, 7]))
    assert trees.feature_count == FEATURES
    assert not {0, 4, 7} & set(trees.split_features.ravel().tolist())


def test_scale_and_bias_of_the_model_are_in_the_arrays() -> None:
    classifier = a_classifier()
    classifier.set_scale_and_bias(0.5, [1.0])
    rows = random_rows(100)
    raw = classifier.predict(rows, prediction_type="RawFormulaVal")
    assert freeze_catboost(classifier).log_odds(rows) == pytest.approx(raw, rel=1e-9)


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"nan_mode": "Max"}, r"columns \[0, 1, 2\]: train with nan_mode=Min"),
        ({"per_float_feature_quantization": ["1:nan_mode=Max"]}, r"columns \[1\]"),
        ({"grow_policy": "Depthwise"}, "grow_policy=SymmetricTree"),
        ({"loss_function": "MultiClass"}, "loss MultiClass gives no log-odds: train with one of Logloss"),
        ({"loss_function": "Focal:focal_alpha=0.5;focal_gamma=2"}, "loss Focal"),
    ],
)
def test_a_model_that_the_arrays_cannot_say_is_refused_with_a_remedy(settings: dict[str, Any], remedy: str) -> None:
    with pytest.raises(UnsupportedTrees, match=remedy):
        freeze_catboost(a_classifier(**QUIET | settings))


def test_a_regression_is_no_classifier() -> None:
    features, labels = a_sample()
    with pytest.raises(UnsupportedTrees, match="loss RMSE gives no log-odds"):
        freeze_catboost(CatBoostRegressor(**QUIET).fit(features, labels.astype(np.float64)))


def test_categories_have_to_become_numbers_first() -> None:
    features, labels = a_sample(400)
    mixed = features.astype(object)
    mixed[:, 3] = ["odd" if label else "even" for label in labels]
    with pytest.raises(UnsupportedTrees, match="turn them into numbers"):
        freeze_catboost(CatBoostClassifier(**QUIET).fit(mixed, labels, cat_features=[3]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"oblivious_trees": [{"leaf_values": [1.0], "leaf_weights": [1], "splits": []}]},
            "tell nothing of the labels",
        ),
        ({"oblivious_trees": [{"leaf_values": [1, 2], "leaf_weights": [1], "splits": [{}]}]}, "one weight per leaf"),
        ({"scale_and_bias": [1.0, [0.0, 0.0]]}, "more than one class"),
        ({"oblivious_trees": []}, "no symmetric trees"),
        ({"model_info": {}}, "not a CatBoost model"),
    ],
)
def test_files_that_are_not_such_a_model_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedTrees, match=message):
        read_catboost(a_document(**changes))


def test_reading_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    freeze_catboost(a_classifier(iterations=1))
    assert list(tmp_path.iterdir()) == []
