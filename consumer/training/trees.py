"""CatBoost's symmetric trees as plain arrays, read from its own JSON: what the exporter writes, and what its graph is held against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from consumer.scoring.features import Matrix
from consumer.training.catboost_json import Document, Tree, read_document

_Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ObliviousTrees:
    """T trees of D levels over F features: log-odds = bias + over the trees the value of the leaf that a row falls into.

    All nodes of a level ask one question, value > border, in float32; a missing value answers no. The answer of level j is bit j of the
    leaf's number, so that the low bits of a leaf are its way down. A tree that CatBoost left lower repeats its leaves under levels whose
    border is +inf, which nothing exceeds.
    """

    feature_count: int
    split_features: npt.NDArray[np.int32]
    """Column of each question, [T, D]."""
    borders: npt.NDArray[np.float32]
    """[T, D]."""
    leaf_values: _Floats
    """In log-odds, [T, 2^D]."""
    leaf_weights: _Floats
    """Weight of the training rows in each leaf, [T, 2^D]."""
    bias: float

    @property
    def depth(self) -> int:
        """Return D."""
        return int(self.borders.shape[1])

    def log_odds(self, features: Matrix) -> _Floats:
        """Return the log-odds of `features` [N, F], shape [N]: the definition in numpy, slow, for comparisons."""
        total = np.full(len(features), self.bias)
        bits = 1 << np.arange(self.depth)
        for columns, borders, values in zip(self.split_features, self.borders, self.leaf_values, strict=True):
            total += values[(features[:, columns] > borders) @ bits]
        return total

    def node_values(self) -> tuple[_Floats, ...]:
        """Return the expected value of every node, level by level from the root [T, 1] to the leaves [T, 2^D].

        A node is worth the mean of its two children by the weight of the training rows in them, the plain mean where no row went.
        """
        values, weights = [self.leaf_values], self.leaf_weights
        for level in reversed(range(self.depth)):
            value, weight = (array.reshape(-1, 2, 1 << level) for array in (values[0], weights))
            weights = weight.sum(axis=1)
            is_empty = weights[:, None] == 0
            share = np.where(is_empty, 0.5, weight / np.where(is_empty, 1.0, weights[:, None]))
            values.insert(0, (value * share).sum(axis=1))
        return tuple(values)

    def expected_log_odds(self) -> float:
        """Return what a row's contributions start from: their sum plus this is the log-odds."""
        return self.bias + float(self.node_values()[0].sum())


class CatBoostModel(Protocol):
    """What is asked of a fitted `catboost.CatBoostClassifier`."""

    def save_model(self, fname: str, format: str) -> None:  # noqa: A002 - CatBoost's name
        """Write the model to a file."""


def freeze_catboost(model: CatBoostModel) -> ObliviousTrees:
    """Return the trees of a fitted classifier; raises `UnsupportedTrees` as `read_catboost` does."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        return read_catboost(path.read_bytes())


def read_catboost(content: bytes) -> ObliviousTrees:
    """Return the trees of a CatBoost model in its JSON format, columns in the order of its training data.

    Raises `UnsupportedTrees` for what the arrays cannot say: no binary classifier, asymmetric trees, categorical, text or embedding
    features, missing values above all others (nan_mode Max), or no tree with a question.
    """
    document = read_document(content)
    scale, (bias,) = document.scale_and_bias
    depth = max(len(tree.splits) for tree in document.trees)
    return ObliviousTrees(
        feature_count=len(document.features_info.float_features),
        split_features=np.array([_columns(tree, depth) for tree in document.trees], np.int32),
        borders=np.array([_borders(tree, depth) for tree in document.trees], np.float32),
        leaf_values=_leaves(document, depth, "leaf_values") * scale,
        leaf_weights=_leaves(document, depth, "leaf_weights"),
        bias=bias,
    )


def _columns(tree: Tree, depth: int) -> list[int]:
    return [split.float_feature_index for split in tree.splits] + [0] * (depth - len(tree.splits))


def _borders(tree: Tree, depth: int) -> list[float]:
    return [split.border for split in tree.splits] + [float("inf")] * (depth - len(tree.splits))


def _leaves(document: Document, depth: int, name: str) -> _Floats:
    rows = [np.tile(getattr(tree, name), 1 << (depth - len(tree.splits))) for tree in document.trees]
    return np.array(rows, np.float64)
