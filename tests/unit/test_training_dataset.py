"""Backfill's output as training reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consumer.scoring.features import EVENT, VELOCITY
from consumer.training.dataset import DAY_MS, NEVER_MS, read_dataset
from consumer.training.errors import TrainingRefused
from tests.training_builders import Made, write_data


def rewrite(folder: Path, edit: Callable[[pa.Table], pa.Table]) -> Path:
    file = folder / "features-00000.parquet"
    table = pq.read_table(file)
    pq.write_table(edit(table), file)
    return folder


def set_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    column = pa.array(values, table.schema.field(name).type)
    return table.set_column(table.schema.get_field_index(name), name, column)


def test_the_columns_come_in_the_order_of_the_feature_set_as_float32(tmp_path: Path) -> None:
    table = pq.read_table(write_data(tmp_path, Made(rows=50)) / "features-00000.parquet")
    dataset = read_dataset(tmp_path)
    assert (dataset.feature_set, dataset.features.shape) == ("velocity/1", (50, len(VELOCITY.names)))
    assert dataset.features.dtype == np.float32
    for column, name in enumerate(VELOCITY.names):
        assert np.array_equal(dataset.features[:, column], table[name].to_numpy(), equal_nan=True)


def test_several_parts_are_one_data_set(tmp_path: Path) -> None:
    whole = read_dataset(write_data(tmp_path / "whole", Made(rows=100)))
    parts = read_dataset(write_data(tmp_path / "parts", Made(rows=100, parts=3)))
    assert np.array_equal(whole.features, parts.features, equal_nan=True)
    assert whole.event_ms.tolist() == parts.event_ms.tolist()
    assert whole.cards.tolist() == parts.cards.tolist()


def test_rows_in_the_order_of_arrival_are_brought_into_that_of_event_time(tmp_path: Path) -> None:
    sorted_one = read_dataset(write_data(tmp_path / "sorted", Made(rows=60)))
    arrived = write_data(tmp_path / "arrived", Made(rows=60))
    rewrite(arrived, lambda table: table.take(np.random.default_rng(1).permutation(60)))
    found = read_dataset(arrived)
    assert found.event_ms.tolist() == sorted_one.event_ms.tolist()
    assert np.array_equal(found.features, sorted_one.features, equal_nan=True)
    assert [found.pattern_names[p] if p >= 0 else "" for p in found.patterns] == [
        sorted_one.pattern_names[p] if p >= 0 else "" for p in sorted_one.patterns
    ]


def test_an_event_without_a_label_counts_as_genuine_and_is_never_known(tmp_path: Path) -> None:
    labels = [True, None, False, True]
    known = [1_767_300_000_000, None, 1_767_300_000_000, None]
    rewrite(
        write_data(tmp_path, Made(rows=4)),
        lambda table: set_column(set_column(table, "is_fraud", labels), "known_at", known),
    )
    dataset = read_dataset(tmp_path)
    assert dataset.is_fraud.tolist() == [True, False, False, True]
    assert dataset.known_ms[:3].tolist() == [1_767_300_000_000, NEVER_MS, 1_767_300_000_000]
    assert dataset.known_ms[3] == dataset.event_ms[3] + 7 * DAY_MS
    assert dataset.labels_known(1_767_300_000_000).tolist() == [False] * 4
    assert dataset.labels_known(1_767_300_000_001).tolist() == [True, False, False, False]


def test_the_truth_is_what_the_labels_say_unless_it_was_given_whole(tmp_path: Path) -> None:
    truth = [True, False, True, False]
    folder = write_data(tmp_path, Made(rows=4, fraud_share=0.0))
    assert read_dataset(folder).truth.tolist() == [False] * 4
    assert read_dataset(rewrite(folder, lambda table: set_column(table, "truth", truth))).truth.tolist() == truth
    half = [True, None, True, False]
    assert read_dataset(rewrite(folder, lambda table: set_column(table, "truth", half))).truth.tolist() == [False] * 4


def test_a_card_is_the_card_id_or_else_the_user(tmp_path: Path) -> None:
    cards, users = ["c-1", None, "c-1", None], ["u-1", "u-1", "u-2", "u-1"]
    rewrite(
        write_data(tmp_path, Made(rows=4)),
        lambda table: set_column(set_column(table, "card_id", cards), "user_id", users),
    )
    found = read_dataset(tmp_path).cards.tolist()
    assert found[0] == found[2] != found[1] == found[3]


def test_a_smaller_feature_set_is_cut_out_by_name(tmp_path: Path) -> None:
    dataset = read_dataset(write_data(tmp_path, Made(rows=20)))
    narrowed = dataset.narrow("event/1")
    assert narrowed.names == EVENT.names
    assert np.array_equal(narrowed.features, dataset.features[:, : len(EVENT.names)])
    with pytest.raises(TrainingRefused, match="the model wants the features velocity/1, the data holds event/1"):
        narrowed.narrow("velocity/1")


def test_sources_are_named_without_the_folders_of_somebodys_machine(tmp_path: Path) -> None:
    folder = write_data(tmp_path, Made(rows=5))
    (folder / "backfill.json").write_text(json.dumps({"sources": ["/home/me/a.csv", "b.parquet"]}))
    assert read_dataset(folder).source == "a.csv, b.parquet"


def test_the_digest_is_that_of_the_data(tmp_path: Path) -> None:
    digests = [read_dataset(write_data(tmp_path / str(seed), Made(rows=5, seed=seed))).digest for seed in (1, 2)]
    assert digests[0] == read_dataset(tmp_path / "1").digest != digests[1]


@pytest.mark.parametrize("file", ["features-00000.parquet", "backfill.json"])
def test_an_unfinished_backfill_is_refused(tmp_path: Path, file: str) -> None:
    (write_data(tmp_path, Made(rows=5)) / file).unlink()
    with pytest.raises(TrainingRefused, match=r"holds no finished backfill\. Write it anew with `fraudstream backfill"):
        read_dataset(tmp_path)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (write_data(tmp_path, Made(rows=5)) / "features-00000.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TrainingRefused, match="no Parquet"):
        read_dataset(tmp_path)


def test_an_unknown_feature_set_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    rewrite(
        write_data(tmp_path, Made(rows=5)),
        lambda table: table.replace_schema_metadata({"feature_set": "velocity/99"}),
    )
    with pytest.raises(TrainingRefused, match="feature set velocity/99, this release knows event/1, velocity/1"):
        read_dataset(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    rewrite(write_data(tmp_path, Made(rows=5)), lambda table: table.drop_columns(["user_sum_7d", "known_at"]))
    with pytest.raises(TrainingRefused, match="lacks the columns user_sum_7d, known_at"):
        read_dataset(tmp_path)
