"""Scores what is new and commits it, bisecting to the one record that breaks the scoring or that the ledger refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from consumer.batch import Batch, failure, refusal_of
from consumer.policies.quarantine import QuarantineBrake
from consumer.scoring.compose import alert_of, decision_of
from consumer.scoring.scorer import Scorer
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.position import StreamPosition, StreamRecord
from schemas.transaction import Received
from sinks.errors import DataRefusedError, PermanentSinkError
from sinks.port import Ledger, Refusal, Retry


@dataclass(frozen=True, slots=True)
class Proposal:
    """One new event with its score: the decision and, where it may alert, the alert."""

    record: StreamRecord
    decision: Decision
    alert: Alert | None


@dataclass(frozen=True, slots=True)
class Deciding:
    """What one batch is decided with: all its records in stream order, when they came, and the worker's ledger and brake."""

    records: Sequence[StreamRecord]
    received_at: datetime
    ledger: Ledger
    retry: Retry
    brake: QuarantineBrake

    def check(self, batch: Batch) -> None:
        """Raise QuarantineLimitExceeded if the batch's refusals so far are too many."""
        if batch.refused_now:
            self.brake.check(batch.verdicts(self.records))


@dataclass(frozen=True, slots=True)
class Decider:
    """Makes decisions of one model and policy. `horizon`: how far apart two times of one transaction id conflict."""

    scorer: Scorer
    consumer_version: str
    horizon: timedelta = timedelta(hours=24)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def versions(self) -> dict[str, str]:
        """What decided: consumer, model, policy and feature set."""
        scorer = self.scorer
        return {
            "consumer": self.consumer_version,
            "model_version": scorer.model_version,
            "policy_version": scorer.policy_version,
            "feature_set": scorer.feature_set,
        }

    def decide(self, batch: Batch, deciding: Deciding) -> None:
        """Score and commit `batch.new` and the batch's refusals, and leave the effective rows in the batch.

        Raises QuarantineLimitExceeded before any refusal that would exceed the limit is written.
        """
        proposals = self._score(batch.new, batch, _Millis(deciding.received_at, self.now))
        deciding.check(batch)
        commit = _Commit(deciding.ledger, deciding.retry, list(batch.refused_now.values()))
        batch.settle(commit(proposals))
        batch.refused_now.update(commit.refused)
        deciding.check(batch)
        commit.refuse(batch.refused_now.values())

    def _score(self, new: Sequence[Received], batch: Batch, times: _Millis) -> list[Proposal]:
        if not new:
            return []
        try:
            return self._propose(new, times)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - find the record that breaks the scoring, keep all others
            if len(new) == 1:
                record = new[0].record
                batch.refused_now[record.position] = refusal_of(record, "score", "processing_failed", failure(error))
                return []
            half = len(new) // 2
            return self._score(new[:half], batch, times) + self._score(new[half:], batch, times)

    def _propose(self, new: Sequence[Received], times: _Millis) -> list[Proposal]:
        scored = self.scorer.score([one.transaction for one in new])
        scored_at = times.scored_at()
        proposals, versions = [], self.versions
        for one, score in zip(new, scored, strict=True):
            decision = decision_of(one, score, versions, times.received_at, scored_at)
            proposals.append(
                Proposal(one.record, decision, alert_of(decision, score.threshold) if score.alerts else None)
            )
        return proposals


class _Millis:
    """The worker's clock readings, truncated to milliseconds like every time that is stored."""

    def __init__(self, received_at: datetime, now: Callable[[], datetime]) -> None:
        self.received_at, self._now = truncated(received_at), now

    def scored_at(self) -> datetime:
        return truncated(self._now())


def truncated(moment: datetime) -> datetime:
    """Return `moment` truncated to milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class _Commit:
    """One round's way into the ledger. `refused` are the rows that it would not take, found by bisecting, not written yet."""

    def __init__(self, ledger: Ledger, retry: Retry, refusals: Sequence[Refusal]) -> None:
        self._ledger, self._retry, self._refusals = ledger, retry, refusals
        self.refused: dict[StreamPosition, Refusal] = {}

    def __call__(self, proposals: Sequence[Proposal]) -> Mapping[Identity, Decision]:
        """Commit proposals together with the refusals known before; bisect to a row that the ledger refuses."""
        try:
            return self._write(proposals, self._refusals)
        except DataRefusedError as error:
            if len(proposals) == 1:
                record = proposals[0].record
                why = failure(error.__cause__ or error)
                self.refused[record.position] = refusal_of(record, "commit", "refused_by_ledger", why)
                return {}
            half = len(proposals) // 2
            return {**self(proposals[:half]), **self(proposals[half:])}

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Commit the refusals that came up since; those written before change nothing."""
        written = {refusal.position for refusal in self._refusals}
        late = [refusal for refusal in refusals if refusal.position not in written]
        if late:
            self._write((), late)

    def _write(self, proposals: Sequence[Proposal], refusals: Sequence[Refusal]) -> Mapping[Identity, Decision]:
        if not proposals and not refusals:
            return {}
        decisions = [p.decision for p in proposals]
        alerts = [p.alert for p in proposals if p.alert is not None]
        try:
            return self._retry(lambda: self._ledger.commit(decisions, alerts, refusals))
        except DataRefusedError as error:
            if not proposals:
                raise PermanentSinkError("the ledger refuses a refusal, which holds nothing of the event's") from error
            raise
