"""`fraudstream train` and `evaluate` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consumer.cli import app
from consumer.training import fitting
from tests.training_builders import QUICK, Made, write_data


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_data_without_labels_ends_with_the_remedy(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", Made(is_labelled=False))
    code, _, said = run("train", data, "--out", tmp_path / "out")
    assert code == 2
    assert "fraudstream: no event is labelled as fraud. Give backfill the labels" in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_backfill_ends_with_the_remedy(tmp_path: Path) -> None:
    code, _, said = run("evaluate", tmp_path)
    assert code == 2
    assert "holds no finished backfill" in said


def test_train_and_evaluate_show_the_same_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "GRID", QUICK[:1])
    data = write_data(tmp_path / "data")
    trained = run("train", data, "--out", tmp_path / "out", "--folds", 1, "--json")
    evaluated = run("evaluate", data, "--bundle", tmp_path / "out", "--json")
    assert (trained[0], evaluated[0]) == (0, 0)
    assert json.loads(trained[1]) == json.loads(evaluated[1])
    assert f"in {tmp_path / 'out'}; open" in trained[2]


def test_the_tables_name_every_contender_and_pattern(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    code, shown, _ = run("evaluate", data)
    assert code == 0
    for words in (
        "model",
        "amount only",
        "The best single rule: ",
        "logistic regression",
        "perfect ranking",
        "burst",
        "loud",
    ):
        assert words in shown
