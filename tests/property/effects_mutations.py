"""The worker's code with one rule of effects.md taken out at a time, by name. The chain's own are those of `chain_mutations`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from consumer.batch import Batch
from consumer.deciding import Decider
from consumer.pipeline import ShardPipeline
from consumer.scoring.features import Memory
from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.transaction import Received
from sinks.ledger.commit import _insert_alerts, commit_batch
from sinks.ledger.connection import Connection
from sinks.port import ChunkObject, Known, Refusal
from tests.property.chain_mutations import MUTATIONS as CHAIN_MUTATIONS
from tests.property.effects_schedule import Kind

Mutation = Callable[[pytest.MonkeyPatch], None]
_START: Kind = ("start", "")


def _of_the_chain(name: str) -> Mutation:
    rules = CHAIN_MUTATIONS[name]

    def mutate(patch: pytest.MonkeyPatch) -> None:
        patch.setattr("consumer.pipeline.ChunkChain", rules.chain)
        patch.setattr("consumer.pipeline.LakeAppender", rules.appender)
        patch.setattr("consumer.batch.row_of", rules.row_of)

    return mutate


def _takes_412_for_success(patch: pytest.MonkeyPatch) -> None:
    def put(self: Any, chunk: ChunkObject) -> Any:
        self._is_stored(chunk)
        return chunk.footer

    patch.setattr("sinks.lake.s3.S3Lake.put", put)


def _has_no_fence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("sinks.ledger.commit.lock_shards", lambda *_: None)
    patch.setattr("sinks.ledger.commit.require_unchanged", lambda *_: None)


def _does_not_look_up_refusals(patch: pytest.MonkeyPatch) -> None:
    sort = Batch.sort

    def forgetful(self: Batch, read: Sequence[Received | Refusal], known: Known) -> Sequence[Received | Refusal]:
        return sort(self, read, known._replace(refusals={}))

    _has_no_fence(patch)  # it would not let the other verdict through, for ever
    patch.setattr(Batch, "sort", forgetful)


def _does_not_look_up_decisions(patch: pytest.MonkeyPatch) -> None:
    sort = Batch.sort

    def forgetful(self: Batch, read: Sequence[Received | Refusal], known: Known) -> Sequence[Received | Refusal]:
        return sort(self, read, known._replace(decisions=()))

    _has_no_fence(patch)
    patch.setattr(Batch, "sort", forgetful)


def _trusts_its_own_computation(patch: pytest.MonkeyPatch) -> None:
    def commit(
        connection: Connection, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        commit_batch(connection, decisions, alerts, refusals)
        return {decision.identity: decision for decision in decisions}

    patch.setattr("sinks.ledger.postgres.commit_batch", commit)


def _raises_alerts_after_the_transaction(patch: pytest.MonkeyPatch) -> None:
    def commit(
        connection: Connection, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        effective = commit_batch(connection, decisions, (), refusals)
        made = {row.identity: row for row in decisions if effective[row.identity] == row}
        with connection.transaction():
            _insert_alerts(connection, alerts, made)
        return effective

    patch.setattr("sinks.ledger.postgres.commit_batch", commit)


def _writes_no_letter_again(patch: pytest.MonkeyPatch) -> None:
    """A verdict from before a crash is taken for a letter from before it."""
    set_aside = ShardPipeline._set_aside

    def only_new(self: ShardPipeline, batch: Batch, records: Any) -> None:
        batch.refused_before.clear()
        set_aside(self, batch, records)

    patch.setattr(ShardPipeline, "_set_aside", only_new)


def _marks_before_it_publishes(patch: pytest.MonkeyPatch) -> None:
    def relay_once(self: Any, limit: int = 100) -> None:
        claimed = self._outbox.claim(limit)
        if claimed:
            self._outbox.mark_sent({alert.alert_id: "early" for alert in claimed})
            self._publish(claimed)

    patch.setattr("sinks.alerts.relay.AlertRelay.relay_once", relay_once)


def _applies_no_rows_of_others(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Memory, "apply", lambda *_: None)


def _remembers_a_shard_that_it_lost(patch: pytest.MonkeyPatch) -> None:
    new_memory, memories = Decider.new_memory, dict[int, tuple[Decider, Memory]]()

    def the_first_one(self: Decider) -> Memory:
        return memories.setdefault(id(self), (self, new_memory(self)))[1]

    patch.setattr(Decider, "new_memory", the_first_one)


def _takes_nothing_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Memory, "undo", lambda memory: memory._journal.clear())


MUTATIONS: dict[str, tuple[Mutation, Kind]] = {
    "412 is taken for success": (_takes_412_for_success, _START),
    "checkpoint before the PUT": (_of_the_chain("checkpoint before the PUT"), _START),
    "checkpoint inside an adopted object": (_of_the_chain("checkpoint inside an adopted object"), _START),
    "no object for a stretch without rows": (_of_the_chain("no object for a stretch without rows"), _START),
    "adoption drops the whole buffer": (_of_the_chain("adoption drops the whole buffer"), _START),
    "no listing": (_of_the_chain("no listing"), ("new application", "")),
    "a row that another position decided is kept": (
        _of_the_chain("a row that another position decided is kept"),
        _START,
    ),
    "no fence between owners": (_has_no_fence, ("halt", "before commit")),
    "refusals are not looked up": (_does_not_look_up_refusals, _START),
    "decisions are not looked up": (_does_not_look_up_decisions, _START),
    "rows from the own computation": (_trusts_its_own_computation, _START),
    "alerts outside of the ledger's transaction": (
        _raises_alerts_after_the_transaction,
        ("commit", "answer to COMMIT lost"),
    ),
    "no dead letter for a verdict from before": (_writes_no_letter_again, _START),
    "alerts marked before they are published": (_marks_before_it_publishes, ("kill relay", "before publish")),
}
"""Each with what should happen often, so that it is caught soon."""

OF_VECTORS: dict[str, Mutation] = {
    "rows that others wrote do not enter histories": _applies_no_rows_of_others,
    "histories outlive the lease": _remembers_a_shard_that_it_lost,
    "what was not committed stays in histories": _takes_nothing_back,
}
