"""Scores what is new and commits it, bisecting to the one record that breaks the scoring or that the ledger refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from consumer.batch import Batch, failure, refusal_of
from consumer.policies.quarantine import QuarantineBrake
from consumer.scoring.compose import alert_of, decision_of
from consumer.scoring.scorer import Scorer
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.position import StreamRecord
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

    def decide(self, batch: Batch, ledger: Ledger, retry: Retry, received_at: datetime, brake: QuarantineBrake) -> None:
        """Score and commit `batch.new`, commit its refusals, and leave the effective rows in the batch.

        Raises QuarantineLimitExceeded before anything of the batch is written.
        """
        proposals = self._score(batch.new, batch.refused_now, _Millis(received_at, self.now))
        brake.observe(_verdicts(batch, proposals))
        commit = _Commit(ledger, retry, batch.refused_now)
        batch.refused_now.extend(batch.settle(commit(proposals)))
        commit.refusals_only()

    def _score(self, new: Sequence[Received], refused: list[Refusal], times: _Millis) -> list[Proposal]:
        if not new:
            return []
        try:
            return self._propose(new, times)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - find the record that breaks the scoring, keep all others
            if len(new) == 1:
                refused.append(refusal_of(new[0].record, "score", "processing_failed", failure(error)))
                return []
            half = len(new) // 2
            return self._score(new[:half], refused, times) + self._score(new[half:], refused, times)

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


def _verdicts(batch: Batch, proposals: Sequence[Proposal]) -> list[bool]:
    """Return the new verdicts in stream order: True where the record is refused."""
    verdicts = [(r.position, True) for r in batch.refused_now] + [(p.record.position, False) for p in proposals]
    return [is_refused for _, is_refused in sorted(verdicts)]


class _Commit:
    """One batch's way into the ledger."""

    def __init__(self, ledger: Ledger, retry: Retry, refusals: list[Refusal]) -> None:
        self._ledger, self._retry, self._refusals, self._written = ledger, retry, refusals, 0

    def __call__(self, proposals: Sequence[Proposal]) -> Mapping[Identity, Decision]:
        """Commit proposals together with the refusals so far; bisect to a row that the ledger refuses."""
        try:
            return self._write(proposals)
        except DataRefusedError as error:
            if not proposals:
                raise PermanentSinkError("the ledger refuses a refusal") from error
            if len(proposals) == 1:
                record = proposals[0].record
                self._refusals.append(
                    refusal_of(record, "commit", "refused_by_ledger", failure(error.__cause__ or error))
                )
                return {}
            half = len(proposals) // 2
            return {**self(proposals[:half]), **self(proposals[half:])}

    def refusals_only(self) -> None:
        """Commit the refusals that came up since the last commit."""
        if len(self._refusals) > self._written:
            self([])

    def _write(self, proposals: Sequence[Proposal]) -> Mapping[Identity, Decision]:
        refusals = tuple(self._refusals)
        if not proposals and not refusals:
            return {}
        decisions = [p.decision for p in proposals]
        alerts = [p.alert for p in proposals if p.alert is not None]
        effective = self._retry(lambda: self._ledger.commit(decisions, alerts, refusals))
        self._written = len(refusals)
        return effective
