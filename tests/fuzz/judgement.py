"""What became of a campaign: a verdict for every record, each effect once, ledger and lake row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, get_args

from consumer.auditing.lake import rows_of
from consumer.batch import identity_of
from schemas.dead_letter import DeadLetter, RefusalReason
from schemas.decision import Decision
from schemas.decode import InvalidRecord, Unknown, decode_by_model
from schemas.position import StreamPosition, StreamRecord
from schemas.transaction import Transaction
from sinks.lake.parquet import to_table
from sinks.port import Refusal
from tests.effects import Effects

_HORIZON = timedelta(hours=24)
_SAYS_ALL = {"empty_record"}
"""Reasons that need no field error."""


@dataclass
class Judgement:
    """How the records were dealt with, and every fault in words, with the case's number in it."""

    verdicts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def judge(published: Sequence[StreamRecord], effects: Effects) -> Judgement:
    """Compare what was published with its effects."""
    judgement = Judgement()
    _judge_verdicts(published, effects, judgement)
    judgement.faults += [*_stray_effects(published, effects), *_conflicts(effects.decisions), *_lake_faults(effects)]
    return judgement


def _judge_verdicts(published: Sequence[StreamRecord], effects: Effects, judgement: Judgement) -> None:
    by_position = {row.position: row for row in effects.decisions}
    by_identity = {row.identity: row for row in effects.decisions}
    for record in published:
        row, refusal = by_position.get(record.position), effects.refusals.get(record.position)
        name = f"{record.position.shard_id} case {record.position.sequence_number}"
        if refusal is not None:
            judgement.verdicts[refusal.reason] += 1
            wrong = _wrong_with_refusal(record, refusal, effects.letters.get(record.position), row)
        else:
            transaction = _transaction_in(record)
            known = row or by_identity.get(identity_of(transaction)) if transaction else row
            judgement.verdicts["decided" if row else "repeated"] += 1
            wrong = _wrong_with_decision(transaction, known, is_own=row is not None)
        judgement.faults += [f"{name}: {wrong}"] if wrong else []


def _wrong_with_refusal(
    record: StreamRecord, refusal: Refusal, letter: DeadLetter | None, row: Decision | None
) -> str | None:
    if row is not None:
        return "is decided and refused"
    if refusal.reason not in get_args(RefusalReason) or not (refusal.errors or refusal.reason in _SAYS_ALL):
        return f"is refused without a reason: {refusal}"
    if refusal.reason in {"processing_failed", "refused_by_ledger"}:
        return f"is refused as {refusal.reason} {refusal.errors}: the decoder let through what it should have named"
    if letter is None or letter.reason != refusal.reason:
        return "has no dead letter with its reason"
    return None if letter.is_masked or letter.raw == record.data else "has other bytes in its dead letter"


def _wrong_with_decision(transaction: Transaction | None, row: Decision | None, *, is_own: bool) -> str | None:
    if row is None:
        return "has no verdict"
    if transaction is None:
        return "is decided, though the schema of record refuses it"
    if is_own and transaction != row[: len(transaction)]:
        return "has a decision about another event"
    return None if transaction.content_hash == row.content_hash else "is dropped as a repetition of other content"


def _stray_effects(published: Sequence[StreamRecord], effects: Effects) -> Iterator[str]:
    positions = {record.position for record in published}
    if len(positions) != len(published):
        yield "two records at one position: the campaign itself is wrong"
    decided = [decision.position for decision in effects.decisions]
    for what, found in (("decisions", decided), ("refusals", effects.refusals), ("letters", effects.letters)):
        if strays := set(found) - positions:
            yield f"{what} of records that nobody published: {sorted(strays)[:3]}"
    if effects.letters.keys() != effects.refusals.keys():
        yield "dead letters and refusals are not of the same records"


def _conflicts(decisions: Sequence[Decision]) -> Iterator[str]:
    """One transaction id has one event within the horizon, whichever shards the events came by."""
    for one, other in pairwise(sorted(decisions, key=lambda row: row.identity)):
        if one.transaction_id == other.transaction_id and other.event_time - one.event_time <= _HORIZON:
            yield f"cases {one.sequence_number} and {other.sequence_number} are decided as one transaction with two times"


def _lake_faults(effects: Effects) -> Iterator[str]:
    stored = [dict(values) for values in sorted((row.values for row in effects.lake), key=_position_in_lake)]
    expected = [dict(values) for values in rows_of(to_table(effects.decisions))]
    if len(stored) != len(expected):
        yield f"{len(stored)} rows in the lake, {len(expected)} in the ledger"
    for found, decided in zip(stored, expected, strict=False):
        if repr(found) != repr(decided):  # the text, because NaN is a value here
            yield f"case {decided['sequence_number']}: the lake's row is not the ledger's"


def _position_in_lake(values: Mapping[str, Any]) -> StreamPosition:
    return StreamPosition(
        values["stream_epoch"], values["shard_id"], int(values["sequence_number"]), values["sub_sequence"]
    )


def _transaction_in(record: StreamRecord) -> Transaction | None:
    try:
        return decode_by_model(record.data, Unknown())
    except InvalidRecord:
        return None
