"""The split in time: what learns from what, and what must not be seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.training.dataset import DAY_MS, Dataset, read_dataset
from consumer.training.errors import TrainingRefused
from consumer.training.periods import SplitTerms, split_by_time
from tests.training_builders import START_MS, Made, write_data


def a_dataset(folder: Path, **changes: object) -> Dataset:
    return read_dataset(write_data(folder, Made(**changes)))  # type: ignore[arg-type]


def test_the_parts_follow_each_other_with_the_label_delay_between(tmp_path: Path) -> None:
    terms = SplitTerms(test_weeks=2, fold_count=2, fold_days=5, label_delay_days=6)
    split = split_by_time(a_dataset(tmp_path), terms)
    days = [
        (moment - START_MS) / DAY_MS
        for moment in (
            split.folds[0].learn_until_ms, split.folds[0].judged.start_ms, split.folds[0].judged.end_ms,
            split.folds[1].learn_until_ms, split.folds[1].judged.start_ms, split.folds[1].judged.end_ms,
            split.test.start_ms, split.test.end_ms,
        )
    ]  # fmt: skip
    assert days == [34, 40, 45, 39, 45, 50, 56, 70]


def test_a_fold_learns_by_the_labels_known_when_its_judged_part_begins(tmp_path: Path) -> None:
    split = split_by_time(a_dataset(tmp_path), SplitTerms())
    assert all(fold.cut_ms == fold.judged.start_ms for fold in split.folds)
    assert split.final.cut_ms == split.test.start_ms
    assert split.final.learn_until_ms == split.folds[-1].learn_until_ms
    assert split.final.judged == split.folds[-1].judged


def test_the_test_is_whole_weeks_about_a_fifth_and_four_at_most(tmp_path: Path) -> None:
    weeks = {
        days: len(split_by_time(a_dataset(tmp_path / str(days), days=days), SplitTerms()).weeks) for days in (70, 300)
    }
    assert weeks == {70: 2, 300: 4}


@pytest.mark.parametrize(
    ("changes", "cause", "remedy"),
    [
        ({"is_labelled": False}, "no event is labelled as fraud", "--labels LABELS"),
        ({"fraud_share": 0.0}, "no event is labelled as fraud", "--labels LABELS"),
        ({"fraud_share": 1.0}, "every event is labelled as fraud", "genuine events"),
        ({"days": 26}, r"what fold 1 learns from holds \d+ events", "Give more history"),
        ({"fraud_share": 0.002}, r"holds \d+ events with \d known frauds; at least 200 with 10", "fewer --folds"),
        ({"rows": 500}, r"holds \d+ events", "--fold-days"),
    ],
)
def test_too_little_is_refused_with_the_part_and_the_remedy(
    tmp_path: Path, changes: dict[str, object], cause: str, remedy: str
) -> None:
    with pytest.raises(TrainingRefused, match=cause) as refused:
        split_by_time(a_dataset(tmp_path, **changes), SplitTerms())
    assert remedy in refused.value.remedy
