"""From data to bundle and figures: deterministic, blind to the test weeks, and refused where it cannot be good."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consumer.scoring.bundle import BundleRefused, load_bundle
from consumer.scoring.manifest import Manifest
from consumer.training import fitting
from consumer.training.dataset import DAY_MS, read_dataset
from consumer.training.errors import TrainingRefused
from consumer.training.evaluate import evaluate
from consumer.training.evaluation import LOGISTIC, PLAIN_TREES
from consumer.training.fitting import TrainTerms, fit_model
from consumer.training.periods import SplitTerms
from consumer.training.summary import read_settings
from consumer.training.train import Trained, train
from tests.scoring_builders import edit_manifest
from tests.training_builders import QUICK, START_MS, Made, write_data

TERMS = TrainTerms(split=SplitTerms(fold_count=2), grid=QUICK)
TEST_STARTS_MS = START_MS + 56 * DAY_MS


def be_silent(step: str) -> None:
    """Nobody watches."""


def train_quickly(data: Path, out: Path) -> Trained:
    return train(data, out, TERMS, be_silent)


def graph_of(data: Path, terms: TrainTerms = TERMS) -> bytes:
    """The model alone: no baselines, no card."""
    return fit_model(read_dataset(data), terms, be_silent).graph


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def bundle(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle")
    train_quickly(data, out)
    return out


def relabelled(data: Path, folder: Path, edit: Callable[[pa.Table, np.ndarray], dict[str, Any]]) -> Path:
    """The same events with other outcomes; `edit` gets the event times in ms."""
    shutil.copytree(data, folder)
    file = folder / "features-00000.parquet"
    table = pq.read_table(file)
    event_ms = table["event_time"].cast(pa.int64()).to_numpy()
    for name, values in edit(table, event_ms).items():
        column = pa.array(values, table.schema.field(name).type)
        table = table.set_column(table.schema.get_field_index(name), name, column)
    pq.write_table(table, file)
    return folder


def test_the_bundle_is_one_that_the_consumer_takes(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    assert loaded.feature_set.name == "velocity/1"
    assert loaded.manifest.files.keys() | {"manifest.json"} == {file.name for file in bundle.iterdir()}
    assert {"model-card.md", "model-card.html", "importance.png"} <= loaded.manifest.files.keys()
    assert any(golden.past for golden in loaded.manifest.golden)
    assert 0 < len(loaded.manifest.golden) <= 16


def test_a_golden_past_that_gives_other_features_is_refused(bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    golden = json.loads((folder / "manifest.json").read_text())["golden"]
    next(vector for vector in golden if vector["past"])["past"][0][2] += 1.0
    edit_manifest(folder, golden=golden)
    with pytest.raises(BundleRefused, match="gives user_sum_30d = "):
        load_bundle(folder)


def test_a_golden_merchant_that_gives_other_features_is_refused(bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    golden = json.loads((folder / "manifest.json").read_text())["golden"]
    golden[0]["merchant"][0][0] += 1
    edit_manifest(folder, golden=golden)
    with pytest.raises(BundleRefused, match="gives merchant_count_1d = 2"):
        load_bundle(folder)


def test_another_seed_gives_another_model(data: Path, bundle: Path) -> None:
    assert graph_of(data, TrainTerms(seed=2, split=TERMS.split, grid=QUICK)) != (bundle / "model.onnx").read_bytes()


def test_nothing_that_happens_in_the_test_weeks_reaches_the_model(data: Path, bundle: Path, tmp_path: Path) -> None:
    def turn_around(table: pa.Table, event_ms: np.ndarray) -> dict[str, Any]:
        is_fraud = table["is_fraud"].to_numpy()
        amounts = table["amount_log2"].to_numpy()
        is_tested = event_ms >= TEST_STARTS_MS
        return {"is_fraud": is_fraud ^ is_tested, "amount_log2": np.where(is_tested, 0, amounts)}

    turned = relabelled(data, tmp_path / "turned", turn_around)
    assert graph_of(turned) == (bundle / "model.onnx").read_bytes()


def test_a_label_that_comes_after_the_test_began_reaches_no_model(data: Path, bundle: Path, tmp_path: Path) -> None:
    def learn_late(table: pa.Table, event_ms: np.ndarray) -> dict[str, Any]:
        """Three genuine events in a hundred of the early weeks turn out to be fraud, but only then."""
        is_late = (np.arange(len(event_ms)) % 33 == 0) & ~table["is_fraud"].to_numpy()
        known_ms = np.where(is_late, TEST_STARTS_MS, table["known_at"].cast(pa.int64()).to_numpy())
        return {"is_fraud": table["is_fraud"].to_numpy() | is_late, "known_at": known_ms}

    late = relabelled(data, tmp_path / "late", learn_late)
    assert graph_of(late) == (bundle / "model.onnx").read_bytes()


def test_a_label_that_is_known_in_time_teaches(data: Path, bundle: Path, tmp_path: Path) -> None:
    def learn_early(table: pa.Table, event_ms: np.ndarray) -> dict[str, Any]:
        is_early = (np.arange(len(event_ms)) % 33 == 0) & ~table["is_fraud"].to_numpy()
        return {"is_fraud": table["is_fraud"].to_numpy() | is_early}

    early = relabelled(data, tmp_path / "early", learn_early)
    assert graph_of(early) != (bundle / "model.onnx").read_bytes()


def test_evaluation_on_the_same_data_gives_the_figures_of_the_manifest(data: Path, bundle: Path) -> None:
    loaded = load_bundle(bundle)
    report = evaluate(data, loaded, SplitTerms(fold_count=1), 1, be_silent)
    metrics = loaded.manifest.training.metrics
    assert report.model.ranking.average_precision == pytest.approx(metrics["average_precision"], abs=1e-6)
    assert report.probabilities.alert_recall == pytest.approx(metrics["alert_recall"], abs=1e-6)
    by_name = {baseline.name.partition(":")[0]: baseline for baseline in report.baselines}
    for name in (LOGISTIC, PLAIN_TREES):
        found = by_name[name].ranking.average_precision
        assert found == pytest.approx(metrics[f"average_precision.{name.replace(' ', '_')}"], abs=1e-6)
    [note] = report.warnings
    assert "users stand for cards" in note
    assert read_settings(loaded.manifest.training) in [
        replace(settings, iterations=int(loaded.manifest.training.settings["trees"])) for settings in QUICK
    ]


def test_fraud_that_only_the_past_gives_away_is_found_with_velocity_and_not_without(bundle: Path) -> None:
    metrics = load_bundle(bundle).manifest.training.metrics
    assert metrics["burst.roc_auc"] > 0.95
    assert metrics["average_precision"] > metrics["average_precision.trees_without_velocity"] + 0.2
    assert metrics["average_precision"] > metrics["average_precision.amount_only"]
    assert metrics["average_precision.share_of_perfect"] == metrics["average_precision"]


def test_the_score_is_a_probability(bundle: Path) -> None:
    calibration = load_bundle(bundle).manifest.calibration
    assert calibration.error < 0.02
    assert calibration.mean_predicted == pytest.approx(calibration.observed, abs=0.02)


def test_the_truth_measures_and_never_teaches(data: Path, bundle: Path, tmp_path: Path) -> None:
    lies = relabelled(data, tmp_path / "lies", lambda table, _: {"truth": ~table["is_fraud"].to_numpy()})
    assert graph_of(lies) == (bundle / "model.onnx").read_bytes()
    report = evaluate(lies, load_bundle(bundle), SplitTerms(fold_count=1), 1, be_silent)
    assert report.model.ranking.roc_auc < 0.2


def test_a_bundle_that_has_seen_the_test_weeks_is_measured_with_a_warning(data: Path, bundle: Path) -> None:
    report = evaluate(data, load_bundle(bundle), SplitTerms(test_weeks=3, fold_count=1), 1, be_silent)
    assert "it has seen them" in report.warnings[-1]
    assert report.model.spread("roc_auc").deviation > 0
    assert "Evaluate with the test weeks that it was trained with" in report.warnings[-1]


def test_a_bundle_that_learned_from_another_year_is_measured_without_that_warning(data: Path, bundle: Path) -> None:
    loaded = load_bundle(bundle)
    periods = loaded.manifest.training.periods
    assert periods is not None
    later = periods.model_copy(update={"learn_from": "2030-01-01T00:00:00Z", "labels_until": "2030-06-01T00:00:00Z"})
    training = loaded.manifest.training.model_copy(update={"periods": later})
    of_2030 = replace(loaded, manifest=loaded.manifest.model_copy(update={"training": training}))
    report = evaluate(data, of_2030, SplitTerms(test_weeks=3, fold_count=1), 1, be_silent)
    assert not any("it has seen them" in warning for warning in report.warnings)


def test_the_report_is_json_without_nan(data: Path, bundle: Path) -> None:
    report = evaluate(data, load_bundle(bundle), SplitTerms(fold_count=1), 1, be_silent)
    document = json.loads(json.dumps(report.document(), allow_nan=False))
    assert document["gain"].keys() == {baseline["name"] for baseline in document["baselines"]}
    assert len(document["model"]["weeks"]) == 2
    assert {pattern["name"] for pattern in document["patterns"]} == {"loud", "burst"}


def test_where_not_even_the_perfect_ranking_finds_a_card_there_is_no_share_of_it(data: Path, bundle: Path) -> None:
    report = evaluate(data, load_bundle(bundle), SplitTerms(fold_count=1), 1, be_silent)
    hopeless = replace(report.perfect, ranking=replace(report.perfect.ranking, card_precision=0.0))
    document = replace(report, perfect=hopeless).document()
    assert document["share_of_perfect"]["card_precision"] is None
    assert document["share_of_perfect"]["average_precision"] > 0


def test_one_week_has_no_deviation(data: Path, bundle: Path) -> None:
    report = evaluate(data, load_bundle(bundle), SplitTerms(test_weeks=1, fold_count=1), 1, be_silent)
    spread = report.document()["model"]["spread"]["roc_auc"]
    assert spread == {"mean": report.model.ranking.roc_auc, "deviation": None}


def test_the_page_holds_its_pictures_and_names_no_other_file(bundle: Path) -> None:
    page = (bundle / "model-card.html").read_text()
    assert page.count('src="data:image/png;base64,') == 4
    assert page.count("src=") == 4
    assert "<table>" in page


def test_equal_data_and_seed_give_equal_bytes_over_an_older_bundle_too_and_other_files_stay(
    data: Path, bundle: Path, tmp_path: Path
) -> None:
    shutil.copytree(bundle, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    stale = Manifest.model_validate(manifest | {"files": {**manifest["files"], "old.png": "0" * 64}}, strict=False)
    (tmp_path / "out" / "old.png").write_bytes(b"of another model")
    (tmp_path / "out" / "manifest.json").write_bytes(stale.sealed())
    train_quickly(data, tmp_path / "out")
    expected = {file.name: file.read_bytes() for file in bundle.iterdir()} | {"notes.txt": b"mine"}
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == expected


def test_a_folder_of_other_things_is_refused_before_any_work_and_left_as_it_was(data: Path, tmp_path: Path) -> None:
    held = Path(shutil.copytree(data, tmp_path / "data"))
    with pytest.raises(TrainingRefused, match=r"is there and is no bundle\. Name another folder with --out"):
        train_quickly(held, held)
    assert {file.name for file in held.iterdir()} == {file.name for file in data.iterdir()}


def test_data_without_merchants_cards_or_velocity_trains_too(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", Made(feature_set="event/1", rows=4000))
    trained = train_quickly(data, tmp_path / "out")
    assert trained.manifest.feature_set == "event/1"
    assert PLAIN_TREES not in {baseline.name for baseline in trained.report.baselines}


def test_features_that_this_release_computes_otherwise_are_refused(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    file = tmp_path / "data" / "golden.json"
    candidates = json.loads(file.read_text())
    candidates[2]["features"][0] += 1
    file.write_text(json.dumps(candidates))
    with pytest.raises(TrainingRefused, match="the data's features of event g-2 are not those of this release"):
        train_quickly(tmp_path / "data", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, "", "[]", '[{"past": []}]'])
def test_data_without_golden_candidates_is_refused(data: Path, tmp_path: Path, content: str | None) -> None:
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "golden.json").unlink()
    if content is not None:
        (tmp_path / "data" / "golden.json").write_text(content)
    with pytest.raises(TrainingRefused, match=r"golden\.json"):
        train_quickly(tmp_path / "data", tmp_path / "out")


def test_a_graph_that_differs_from_the_library_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "PARITY", -1.0)
    with pytest.raises(TrainingRefused, match="differs from CatBoost"):
        graph_of(data)


def test_a_missing_library_names_the_extra(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(
        TrainingRefused, match=r"catboost cannot be imported .* Install the extra `train`: `make setup-dev`"
    ):
        train_quickly(data, tmp_path / "out")


def test_features_that_tell_nothing_are_refused(data: Path, tmp_path: Path) -> None:
    blind = relabelled(
        data,
        tmp_path / "blind",
        lambda table, _: {
            field.name: np.zeros(table.num_rows, np.float32) for field in table.schema if field.type == pa.float32()
        },
    )
    with pytest.raises(TrainingRefused, match=r"CatBoost gave up|cannot be exported|cannot be calibrated"):
        graph_of(blind)
