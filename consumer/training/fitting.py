"""From a data set to a calibrated graph: choose on the folds, fit, calibrate on what came later, export, prove."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from consumer.scoring.features import Matrix
from consumer.scoring.model import Model
from consumer.training.boosting import GRID, Forest, Settings
from consumer.training.calibrating import calibrate, choose_calibration
from consumer.training.calibration import Isotonic, Platt
from consumer.training.catboost_json import UnsupportedTrees
from consumer.training.choice import Choice, Say, choose_settings, fit_fold, judged_rows
from consumer.training.dataset import Dataset
from consumer.training.errors import TrainingRefused
from consumer.training.evaluation import BASELINE_STEPS
from consumer.training.export import NotExportable
from consumer.training.export_trees import export_trees
from consumer.training.periods import Split, SplitTerms, split_by_time
from consumer.training.trees import freeze_catboost

FAMILY = "trees"
PARITY = 1e-6
"""How far the exported graph may be from the library, as a probability."""
_PARITY_ROWS = 50_000


@dataclass(frozen=True)
class TrainTerms:
    """Everything that the result depends on besides the data."""

    seed: int = 1
    split: SplitTerms = field(default_factory=SplitTerms)
    grid: tuple[Settings, ...] = field(default_factory=lambda: GRID)

    @property
    def steps(self) -> int:
        """How often `train` tells what comes next, at most."""
        return len(self.grid) * self.split.fold_count + BASELINE_STEPS + 2


@dataclass(frozen=True)
class Fitted:
    """A model, and how it came about."""

    split: Split
    choice: Choice
    forest: Forest
    calibration: str
    """The method's name."""
    graph: bytes


def fit_model(dataset: Dataset, terms: TrainTerms, say: Say) -> Fitted:
    """Return the model that the events before the test weeks give; equal arguments give equal bytes on the same machine.

    Raises `TrainingRefused` for data or settings that give none. What happened in the test weeks, or became known in them, has no
    influence.
    """
    split = split_by_time(dataset, terms.split)
    choice = choose_settings(dataset, split, terms.grid, terms.seed, say)
    say("the final fit")
    forest = fit_fold(dataset, split.final, choice.settings, terms.seed)
    method = choose_calibration(choice.held)
    return Fitted(split, choice, forest, method, _export(dataset, split, forest, method))


def _export(dataset: Dataset, split: Split, forest: Forest, method: str) -> bytes:
    """Return the calibrated graph, proved to answer what the library does."""
    judged = judged_rows(dataset, split.final, split.final.cut_ms)
    log_odds = forest.log_odds(judged.features)
    calibration = calibrate(method, log_odds, judged.labels)
    try:
        graph = export_trees(freeze_catboost(forest.model), calibration, FAMILY)
    except (NotExportable, UnsupportedTrees) as error:
        remedy = "Look at the mapping of the columns: features that tell nothing or everything give such trees."
        raise TrainingRefused(f"the trees cannot be exported ({error})", remedy) from error
    _prove_parity(graph, forest, calibration, judged.features)
    return graph


def _prove_parity(graph: bytes, forest: Forest, calibration: Platt | Isotonic, features: Matrix) -> None:
    """Refuse a graph that differs from the library, on the calibration slice and with every other value of it missing."""
    rows = np.ascontiguousarray(features[:_PARITY_ROWS])
    gaps = rows[: len(rows) // 10].copy()
    gaps[:, ::2] = np.nan
    for part in (rows, gaps):
        found = Model(graph, part.shape[1]).probabilities(part)
        off = np.abs(found - calibration.probabilities(forest.log_odds(part))).max()
        if not off <= PARITY:
            remedy = "Do not use this model: report it with the versions of catboost, onnx and onnxruntime."
            raise TrainingRefused(f"the exported graph differs from CatBoost by {off:.3g}", remedy)
