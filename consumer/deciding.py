"""Scores what is new and commits it, bisecting to the one record that breaks the scoring or that the ledger refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from consumer.batch import Batch, Proposal, failure, refusal_of
from consumer.policies.quarantine import QuarantineBrake
from consumer.scoring.compose import alert_of, decision_of
from consumer.scoring.features import Memory, MemoryTerms
from consumer.scoring.features.memory import NotLoaded
from consumer.scoring.scorer import Scorer
from schemas.dead_letter import FieldError, RefusalReason, Stage
from schemas.decision import Decision, Identity
from schemas.position import StreamRecord
from schemas.transaction import Received
from sinks.errors import DataRefusedError, PermanentSinkError
from sinks.port import Ledger, Refusal, Retry


@dataclass(frozen=True, slots=True)
class Deciding:
    """What one batch is decided with: all its records in stream order, when they came, and the worker's ledger, brake and memory."""

    records: Sequence[StreamRecord]
    received_at: datetime
    ledger: Ledger
    retry: Retry
    brake: QuarantineBrake
    memory: Memory

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
    memory_terms: MemoryTerms = MemoryTerms()  # noqa: RUF009 - frozen

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

    def new_memory(self) -> Memory:
        """Return an empty memory for one shard."""
        return self.scorer.new_memory(self.memory_terms)

    def decide(self, batch: Batch, deciding: Deciding) -> None:
        """Score and commit `batch.new` and the batch's refusals, and leave the effective rows in the batch and in the memory.

        Raises QuarantineLimitExceeded before any refusal that would exceed the limit is written. Whatever it raises, the memory holds
        nothing that was not committed.
        """
        deciding.check(batch)
        commit = _Commit(deciding.ledger, deciding.retry, list(batch.refused_now.values()))
        try:
            self._decide(batch.new, batch, deciding, commit)
        finally:
            deciding.memory.undo()  # nothing, unless it raised
            deciding.memory.make_room()
        deciding.check(batch)
        commit.refuse(batch.refused_now.values())

    def _decide(self, new: Sequence[Received], batch: Batch, deciding: Deciding, commit: _Commit) -> None:
        """Score and commit `new`; bisect to the one record that breaks the scoring, or that the ledger refuses."""
        try:
            proposals = self._propose(new, deciding) if new else []
        except (MemoryError, NotLoaded):
            raise  # no record is to blame
        except Exception as error:  # noqa: BLE001 - find the record that breaks the scoring, keep all others
            why = _Why("score", "processing_failed", failure(error))
            self._bisect(new, why, batch, deciding, commit)
            return
        try:
            effective = commit(proposals)
        except DataRefusedError as error:
            why = _Why("commit", "refused_by_ledger", failure(error.__cause__ or error))
            self._bisect(new, why, batch, deciding, commit)
            return
        batch.settle(proposals, effective)
        deciding.memory.settle(effective)

    def _bisect(self, new: Sequence[Received], why: _Why, batch: Batch, deciding: Deciding, commit: _Commit) -> None:
        """Decide one half after the other. The second is scored when the first is settled: no score saw a past that was refused."""
        deciding.memory.undo()
        if len(new) == 1:
            record = new[0].record
            batch.refused_now[record.position] = refusal_of(record, *why)
            return
        half = len(new) // 2
        self._decide(new[:half], batch, deciding, commit)
        self._decide(new[half:], batch, deciding, commit)

    def _propose(self, new: Sequence[Received], deciding: Deciding) -> list[Proposal]:
        scored = self.scorer.score([one.transaction for one in new], deciding.memory)
        received_at, scored_at = truncated(deciding.received_at), truncated(self.now())
        made_by, method = self.scorer.made_by, self.scorer.reason_method
        decisions = [decision_of(*pair, made_by, received_at, scored_at) for pair in zip(new, scored, strict=True)]
        return [
            Proposal(one.record, decision, alert_of(decision, score.threshold, method) if score.alerts else None)
            for one, decision, score in zip(new, decisions, scored, strict=True)
        ]


class _Why(NamedTuple):
    """Why a record is refused."""

    stage: Stage
    reason: RefusalReason
    errors: tuple[FieldError, ...]


def truncated(moment: datetime) -> datetime:
    """Return `moment` truncated to milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class _Commit:
    """One round's way into the ledger, with the refusals that were known before it."""

    def __init__(self, ledger: Ledger, retry: Retry, refusals: Sequence[Refusal]) -> None:
        self._ledger, self._retry, self._refusals = ledger, retry, refusals

    def __call__(self, proposals: Sequence[Proposal]) -> Mapping[Identity, Decision]:
        """Commit proposals together with the refusals known before."""
        return self._write(proposals, self._refusals)

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
