"""Who learns from what, in time: train, a gap of the label delay, validation folds one after another, calibration, test weeks. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from consumer.training.dataset import DAY_MS, Dataset
from consumer.training.errors import TrainingRefused
from schemas.history import LABEL_DELAY_DAYS

_WEEK_MS = 7 * DAY_MS
_TEST_SHARE, _MOST_TEST_WEEKS = 0.2, 4
_FOLD_SHARE, _MOST_FOLD_DAYS = 0.08, 14
_LEAST_FRAUDS = 10
_LEAST_ROWS = 200


@dataclass(frozen=True)
class Period:
    """start_ms <= event time < end_ms, milliseconds since 1970."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Fold:
    """A model learns from the events before `learn_until_ms`, by labels known before `cut_ms`, and is judged on a later period.

    Between the two lies the label delay: in production too, a model's newest lessons are that old.
    """

    learn_until_ms: int
    cut_ms: int
    judged: Period


@dataclass(frozen=True)
class SplitTerms:
    """How to split. None takes what fits the length of the data: a fifth of it for the test, at most four weeks."""

    test_weeks: int | None = None
    fold_count: int = 3
    fold_days: int | None = None
    label_delay_days: int = LABEL_DELAY_DAYS


@dataclass(frozen=True)
class Split:
    """The folds that settings are chosen on, the last of which also calibrates; then the test, which nothing is chosen on."""

    folds: tuple[Fold, ...]
    final: Fold
    """Like the last fold, but with all labels that are known when the test begins; its judged part is the calibration slice."""
    test: Period

    @property
    def weeks(self) -> tuple[Period, ...]:
        """The test's weeks, oldest first."""
        starts = range(self.test.start_ms, self.test.end_ms, _WEEK_MS)
        return tuple(Period(start, start + _WEEK_MS) for start in starts)


def split_by_time(dataset: Dataset, terms: SplitTerms) -> Split:
    """Return the split of this data; raises `TrainingRefused` where a part would hold too little to learn or to judge by."""
    if not dataset.is_fraud.any():
        cause = "no event is labelled as fraud"
        raise TrainingRefused(cause, "Give backfill the labels: `--labels LABELS`, or a label column in its mapping.")
    if dataset.is_fraud.all():
        raise TrainingRefused("every event is labelled as fraud", "Give backfill the genuine events as well.")
    split = _cut(dataset, terms)
    _check(dataset, split)
    return split


def _cut(dataset: Dataset, terms: SplitTerms) -> Split:
    """Count back from the end of the last day: whole weeks of test, the label delay, the folds."""
    end_ms = (int(dataset.event_ms[-1]) // DAY_MS + 1) * DAY_MS
    days = (end_ms - int(dataset.event_ms[0])) / DAY_MS
    delay_ms = terms.label_delay_days * DAY_MS
    weeks = terms.test_weeks or max(1, min(_MOST_TEST_WEEKS, round(days * _TEST_SHARE / 7)))
    length_ms = (terms.fold_days or max(2, min(_MOST_FOLD_DAYS, round(days * _FOLD_SHARE)))) * DAY_MS
    test = Period(end_ms - weeks * _WEEK_MS, end_ms)
    matured_ms = test.start_ms - delay_ms
    starts = [matured_ms - back * length_ms for back in range(terms.fold_count, 0, -1)]
    folds = tuple(Fold(start - delay_ms, start, Period(start, start + length_ms)) for start in starts)
    return Split(folds, Fold(folds[-1].learn_until_ms, test.start_ms, folds[-1].judged), test)


def _check(dataset: Dataset, split: Split) -> None:
    first_ms = int(dataset.event_ms[0])
    for number, fold in enumerate(split.folds, 1):
        _check_part(dataset, f"what fold {number} learns from", Period(first_ms, fold.learn_until_ms), fold.cut_ms)
        _check_part(dataset, f"what fold {number} is judged on", fold.judged, split.test.start_ms)
    _check_part(dataset, "the test", split.test, None)


def _check_part(dataset: Dataset, what: str, period: Period, cut_ms: int | None) -> None:
    rows = dataset.rows(period.start_ms, period.end_ms)
    labels = (dataset.truth if cut_ms is None else dataset.labels_known(cut_ms))[rows]
    frauds = int(labels.sum())
    if len(labels) < _LEAST_ROWS or frauds < _LEAST_FRAUDS or frauds == len(labels):
        days = (int(dataset.event_ms[-1]) - int(dataset.event_ms[0])) / DAY_MS
        cause = (
            f"of the data's {days:.1f} days, {what} holds {len(labels)} events with {frauds} known frauds; "
            f"at least {_LEAST_ROWS} with {_LEAST_FRAUDS} and some genuine ones are needed"
        )
        remedy = "Give more history, or fewer --folds (of `train`), --fold-days, --test-weeks or --label-delay-days."
        raise TrainingRefused(cause, remedy)
