"""The part of CatBoost's JSON model format that symmetric trees over numbers need, and the refusal of everything else."""

from __future__ import annotations

from typing import Any

import msgspec

_LOG_ODDS_LOSSES = ("Logloss", "CrossEntropy")
_MISSING_IS_GREATEST = "AsTrue"
"""What CatBoost writes for a feature with nan_mode=Max and missing values in the training data."""


class UnsupportedTrees(ValueError):
    """The model is not a binary CatBoost classifier of symmetric trees over numbers."""


class Split(msgspec.Struct, frozen=True):
    """A question: is the value of this column greater than the border? Questions about categories have neither."""

    float_feature_index: int = -1
    border: float = 0.0


class Tree(msgspec.Struct, frozen=True):
    """A tree of as many levels as `splits`, with 2^levels leaves."""

    leaf_values: list[float]
    leaf_weights: list[float]
    splits: list[Split] = []


class FloatFeature(msgspec.Struct, frozen=True):
    """How a column's missing values answer."""

    flat_feature_index: int
    nan_value_treatment: str


class FeaturesInfo(msgspec.Struct, frozen=True):
    """The columns by kind."""

    float_features: list[FloatFeature] = []
    categorical_features: list[Any] = []
    text_features: list[Any] = []
    embedding_features: list[Any] = []


class Loss(msgspec.Struct, frozen=True):
    """What was minimised."""

    type: str


class Params(msgspec.Struct, frozen=True):
    """How it was trained."""

    loss_function: Loss


class ModelInfo(msgspec.Struct, frozen=True):
    """What CatBoost tells of the training."""

    params: Params


class Document(msgspec.Struct, frozen=True):
    """A model file."""

    features_info: FeaturesInfo
    model_info: ModelInfo
    scale_and_bias: tuple[float, list[float]]
    trees: list[Tree] = msgspec.field(name="oblivious_trees", default_factory=list)


def read_document(content: bytes) -> Document:
    """Return the model of a JSON file; raises `UnsupportedTrees` with what is wrong and how to train instead."""
    try:
        document = msgspec.json.decode(content, type=Document)
    except msgspec.DecodeError as error:
        raise UnsupportedTrees(f"not a CatBoost model saved as JSON by one training: {error}") from error
    for is_wrong, reason in _check(document):
        if is_wrong:
            raise UnsupportedTrees(reason)
    return document


def _check(document: Document) -> list[tuple[bool, str]]:
    columns, loss = document.features_info, document.model_info.params.loss_function.type
    missing = [
        item.flat_feature_index for item in columns.float_features if item.nan_value_treatment == _MISSING_IS_GREATEST
    ]
    others = [*columns.categorical_features, *columns.text_features, *columns.embedding_features]
    sizes = [(1 << len(tree.splits), len(tree.leaf_values), len(tree.leaf_weights)) for tree in document.trees]
    return [
        (
            loss not in _LOG_ODDS_LOSSES,
            f"loss {loss} gives no log-odds: train with one of {', '.join(_LOG_ODDS_LOSSES)}",
        ),
        (bool(others), "categorical, text or embedding features: turn them into numbers before training"),
        (bool(missing), f"missing values count as the greatest in columns {missing}: train with nan_mode=Min"),
        (not document.trees, "no symmetric trees: train with grow_policy=SymmetricTree"),
        (
            not any(tree.splits for tree in document.trees),
            "no tree asks anything: the features tell nothing of the labels",
        ),
        (
            any(len(set(size)) > 1 for size in sizes),
            "not one value and one weight per leaf: train on one target, without merging",
        ),
        (len(document.scale_and_bias[1]) != 1, "more than one class: train on two"),
    ]
