"""A backfill from the first file to the last: read, put in order, decide, write. Whatever is written is whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from consumer.backfill.deciding import HistoryDecider, choose_feature_set
from consumer.backfill.errors import BackfillError
from consumer.backfill.folder import SUMMARY_FILE, output_folder
from consumer.backfill.golden import GOLDEN_FILE, Golden, choose_golden
from consumer.backfill.journal import Journal, Origin
from consumer.backfill.labels import NOT_SAID, Knowledge, read_labels
from consumer.backfill.mapping import OWN_NAMES, ColumnMapping, LabelTerms
from consumer.backfill.output import (
    DECISIONS_FILE,
    FEATURES_FILE,
    DecisionFile,
    FeatureFile,
    FeatureRow,
    features_schema,
    sort_by_time,
)
from consumer.backfill.past import Accepted, Past, spans
from consumer.backfill.refusals import REFUSED_FILE, Refusals
from consumer.backfill.repeats import Repeats, Standing
from consumer.backfill.sources import Source, find_files
from consumer.backfill.summary import Summary
from consumer.scoring.bundle import Bundle
from consumer.scoring.scorer import Scorer
from schemas.dead_letter import FieldError
from schemas.decode import InvalidRecord, Unknown, decode
from schemas.history import HOUR_MS, MerchantHour, MerchantWindows

BATCH = 1_000
_DAY_MS = 86_400_000
_BROKEN_ROW = "broken_row"
_JOURNAL_FILE = "events.journal"


class Progress(Protocol):
    """Is told how far a run is."""

    def read(self, events: int) -> None:
        """So many events are read so far; how many there will be is not known yet."""

    def decide(self, done: int, total: int) -> None:
        """So many of all events have their verdict."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. Without a `bundle` there are features and no decisions. `truth` is written beside, and shown to nothing."""

    events: Sequence[Path]
    out: Path
    labels: Sequence[Path] = ()
    truth: Sequence[Path] = ()
    mapping: ColumnMapping = OWN_NAMES
    bundle: Bundle | None = None
    is_as_arrived: bool = False
    allowed_refused: float = 0.01
    is_forced: bool = False


def backfill(plan: Plan, progress: Progress) -> tuple[Summary, Sequence[str]]:
    """Do it, and return what was done and what to tell of refused rows. `plan.out` is there afterwards, whole, or as it was before.

    Raises BackfillError (TooManyRefused where too many rows are no events), MappingError, OSError.
    """
    began_s = time.perf_counter()
    files = find_files(plan.events)
    with output_folder(plan.out, is_forced=plan.is_forced) as folder, ExitStack() as stack:
        refusals = stack.enter_context(Refusals(folder / REFUSED_FILE, files, plan.allowed_refused))
        journal = stack.enter_context(Journal(folder / _JOURNAL_FILE, _knowledge(plan)))
        total = _read(files, plan.mapping, journal, refusals, progress)
        summary = _Run(plan, folder, journal, refusals, total).decide_all(progress)
        refusals.check(total)
        summary.seconds = round(time.perf_counter() - began_s, 3)
        summary.events_per_second = round(total / summary.seconds, 1)
        summary.write(folder / SUMMARY_FILE)
    return summary, list(refusals.lines(total))


def _knowledge(plan: Plan) -> Knowledge:
    label = plan.mapping.label
    if label is not None and plan.labels:
        raise BackfillError("labels come from --labels or from the mapping's [label] column: take one of them away")
    return Knowledge(
        read_labels(find_files(plan.labels)) if plan.labels else None,
        read_labels(find_files(plan.truth)) if plan.truth else None,
        round((label or LabelTerms(column="")).delay_days * _DAY_MS),
    )


def _read(
    files: Sequence[Path], mapping: ColumnMapping, journal: Journal, refusals: Refusals, progress: Progress
) -> int:
    """Return how many rows there were, broken ones included."""
    broken = 0
    for number, path in enumerate(files):
        for piece in Source(path, mapping).pieces():
            for row, why in piece.broken:
                refusals.refuse(Origin(number, row), _BROKEN_ROW, (FieldError(field="", message=why),))
            journal.append(number, piece)
            broken += len(piece.broken)
            progress.read(len(journal) + broken)
    journal.close()
    if not journal:
        raise BackfillError(f"no events in {', '.join(map(str, files))}: give files that have rows")
    return len(journal) + broken


class _Run:
    """The second half: events that are read and waiting become rows."""

    def __init__(self, plan: Plan, folder: Path, journal: Journal, refusals: Refusals, total: int) -> None:
        self._plan, self._folder, self._journal, self._refusals, self._total = plan, folder, journal, refusals, total
        bundle = plan.bundle
        scorer = None if bundle is None else Scorer(bundle)
        self._feature_set = feature_set = choose_feature_set(None if bundle is None else bundle.feature_set)
        self._past, self._unknown = Past(is_sorted=not plan.is_as_arrived), Unknown()
        self._decider = HistoryDecider(self._past, scorer, feature_set, _now())
        self._repeats, self._may_repeat = Repeats(), journal.repeated()
        self._order = journal.order(as_arrived=plan.is_as_arrived)
        chosen = choose_golden(journal, self._order)
        self._golden = Golden(chosen, journal.events(chosen))
        self._users: set[str] = set()
        self._summary = Summary(
            feature_set.name,
            [str(path) for path in plan.events],
            [str(path) for path in plan.labels],
            "as arrived" if plan.is_as_arrived else "event time",
            None if scorer is None else scorer.model_version,
            None if scorer is None else scorer.policy_version,
        )
        self._schema = features_schema(
            feature_set.names,
            {"feature_set": feature_set.name, "source": ", ".join(self._summary.sources)},
        )

    def decide_all(self, progress: Progress) -> Summary:
        """Write all files but the summary, and return it."""
        summary, features = self._summary, self._folder / FEATURES_FILE
        with ExitStack() as stack:
            rows = stack.enter_context(closing(FeatureFile(features, self._schema)))
            has_decisions = self._plan.bundle is not None
            decisions = (
                stack.enter_context(closing(DecisionFile(self._folder / DECISIONS_FILE))) if has_decisions else None
            )
            for start in range(0, len(self._order), BATCH):
                for batch in spans(list(self._accept(self._order[start : start + BATCH]))):
                    self._decide(batch, rows, decisions)
                self._refusals.check(self._total)
                progress.decide(min(start + BATCH, len(self._order)), len(self._order))
        if self._plan.is_as_arrived:
            sort_by_time(features)
        self._golden.add_bare(self._feature_set)
        summary.golden = self._golden.write(self._folder / GOLDEN_FILE)
        summary.read, summary.users = self._total, len(self._users)
        summary.refused, summary.refused_by_reason = self._refusals.count, dict(self._refusals.by_reason)
        return summary

    def _accept(self, numbers: npt.NDArray[np.int64]) -> Iterator[Accepted]:
        journal, places = self._journal, numbers.tolist()
        for number, event, may_repeat in zip(
            places, journal.events(places), self._may_repeat[numbers].tolist(), strict=True
        ):
            try:
                transaction = decode(event, self._unknown)
            except InvalidRecord as refused:
                self._refusals.refuse(journal.origin(number), refused.reason, refused.errors)
                continue
            standing = self._repeats.judge(transaction) if may_repeat else Standing.NEW
            if standing is Standing.NEW:
                yield Accepted(number, transaction, journal.event_ms(number), journal.label(number))
            elif standing is Standing.REPEATED:
                self._summary.repeated += 1
            else:
                self._refusals.refuse(journal.origin(number), standing.value)

    def _decide(self, batch: Sequence[Accepted], rows: FeatureFile, decisions: DecisionFile | None) -> None:
        journal = self._journal
        self._users.update([accepted.transaction.user_id for accepted in batch])
        windows = {a.number: self._windows(a) for a in batch if self._golden.is_watching(a.transaction)}
        decided = self._decider.decide(batch)
        rows.write([FeatureRow(*accepted[1:], journal.truth(accepted.number)) for accepted in batch], decided.features)
        if decisions is not None:
            decisions.write(decided.decisions)
        for row, (number, transaction, event_ms, _) in enumerate(batch):
            if number in windows:
                self._golden.watch(number, transaction, event_ms, windows[number], decided.features[row])
        self._count(batch, decided.alerts)

    def _windows(self, accepted: Accepted) -> MerchantWindows | None:
        merchant_id = accepted.transaction.merchant_id
        return self._past.merchant(MerchantHour(merchant_id, accepted.event_ms // HOUR_MS)) if merchant_id else None

    def _count(self, batch: Sequence[Accepted], alerts: int) -> None:
        summary = self._summary
        summary.rows += len(batch)
        summary.alerts += alerts
        summary.labelled += sum(accepted.label.fraud != NOT_SAID for accepted in batch)
        summary.frauds += sum(accepted.label.fraud == 1 for accepted in batch)
        times = [accepted.event_ms for accepted in batch]
        summary.first_event_ms = min(times if summary.first_event_ms is None else (*times, summary.first_event_ms))
        summary.last_event_ms = max(times if summary.last_event_ms is None else (*times, summary.last_event_ms))


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
