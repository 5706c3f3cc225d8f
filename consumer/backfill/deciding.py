"""Features and decisions of accepted events by the stream's own code: one memory, and the bundle in use if there is to be a decision."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from consumer.backfill.past import Accepted, Past
from consumer.scoring.compose import decision_of
from consumer.scoring.features import VELOCITY, FeatureSet, Matrix, Memory, MemoryTerms
from consumer.scoring.scorer import MadeBy, Scored, Scorer
from schemas.decision import Decision
from schemas.position import ShardId, StreamEpoch, StreamPosition, StreamRecord
from schemas.transaction import Received, Transaction

EPOCH, SHARD = StreamEpoch("backfill"), ShardId("backfill")


class Decided(NamedTuple):
    """What became of some events, in their order: features [N, F], and decisions unless there is no scorer."""

    features: Matrix
    decisions: Sequence[Decision]
    alerts: int = 0


class HistoryDecider:
    """Computes and decides in the order given, as the shard of a stream would. `now` stands for the worker's clock in decisions."""

    def __init__(self, past: Past, scorer: Scorer | None, feature_set: FeatureSet, now: datetime) -> None:
        self._past, self._scorer, self._now = past, scorer, now
        terms = MemoryTerms(max_transactions=sys.maxsize, forgets_old=past.is_sorted)
        self._memory = Memory(terms, past=past)
        self._feature_set = feature_set
        self._sequence_number = 0

    def decide(self, batch: Sequence[Accepted]) -> Decided:
        """Decide events that no merchant's window can join (see `past.spans`), and remember them."""
        transactions = [accepted.transaction for accepted in batch]
        decided = self._compute(transactions) if self._scorer is None else self._score(transactions, self._scorer)
        self._memory.keep()
        self._memory.make_room()
        self._past.settle(batch)
        return decided

    def _compute(self, transactions: Sequence[Transaction]) -> Decided:
        return Decided(self._feature_set.compute(transactions, self._memory), ())

    def _score(self, transactions: Sequence[Transaction], scorer: Scorer) -> Decided:
        scored = scorer.score(transactions, self._memory)
        if scorer.feature_set == self._feature_set.name:
            packed = b"".join([one.features for one in scored])
            features: Matrix = np.frombuffer(packed, np.float32).reshape(len(scored), -1)
        else:  # the bundle's set has no memory, see `choose_feature_set`
            features = self._feature_set.compute(transactions, self._memory)
        decisions = [self._decision(*pair, scorer.made_by) for pair in zip(transactions, scored, strict=True)]
        return Decided(features, decisions, sum(one.alerts for one in scored))

    def _decision(self, transaction: Transaction, scored: Scored, made_by: MadeBy) -> Decision:
        self._sequence_number += 1
        position = StreamPosition(EPOCH, SHARD, self._sequence_number)
        record = StreamRecord(b"", transaction.user_id, position, transaction.event_time)
        return decision_of(Received(transaction, record), scored, made_by, self._now, self._now)


def choose_feature_set(bundle_set: FeatureSet | None) -> FeatureSet:
    """Return what is written: the bundle's set if it has a past, else the newest one, so that the next model has all there is."""
    return bundle_set if bundle_set is not None and bundle_set.needs_memory else VELOCITY
