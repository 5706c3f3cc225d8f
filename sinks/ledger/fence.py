"""The fence between owners of one shard that run at once: what each looked up may be stale when it commits.

A transaction takes its shards' locks first. Then it looks whether a record of its batch has got the other verdict meanwhile; the
lock alone would not do, because the look-up came before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from schemas.decision import Decision
from schemas.position import ShardId, StreamEpoch
from sinks.errors import OvertakenError
from sinks.ledger.connection import Connection, Cursor
from sinks.ledger.look_up import ask_decisions_at, ask_refusals, ask_whether_refused, is_any_refused
from sinks.ledger.queries import query
from sinks.ledger.rows import row_to_refusal, storable
from sinks.ledger.stretches import Place
from sinks.port import Delivery, Refusal

_place = attrgetter("stream_epoch", "shard_id", "sequence_number")


class Verdicts(NamedTuple):
    """What was asked about a batch's records under the lock; in a pipeline the answers come when they are looked at."""

    refused: Sequence[Cursor]
    decided: Cursor | None
    refused_too: Cursor | None


def lock_shards(connection: Connection, decisions: Sequence[Decision], refusals: Sequence[Refusal]) -> None:
    """Let no other transaction give verdicts on records of these shards until this one ends."""
    shards = {(d.stream_epoch, d.shard_id) for d in decisions} | {refusal.position[:2] for refusal in refusals}
    for epoch, shard_id in sorted(shards):
        connection.execute(query("lock"), {"name": f"fraudstream/shard/{epoch}/{shard_id}"})


def ask_verdicts(connection: Connection, decisions: Sequence[Decision], refusals: Sequence[Refusal]) -> Verdicts:
    """Ask for what `require_unchanged` looks at."""
    deliveries = [Delivery(refusal.position, refusal.arrival_time) for refusal in refusals]
    return Verdicts(
        ask_whether_refused(connection, _outermost(decisions)),
        ask_decisions_at(connection, deliveries) if deliveries else None,
        ask_refusals(connection, [refusal.position for refusal in refusals]) if refusals else None,
    )


def require_unchanged(
    connection: Connection, verdicts: Verdicts, decisions: Sequence[Decision], refusals: Sequence[Refusal]
) -> None:
    """Raise OvertakenError if a record to be decided was refused meanwhile, a record to be refused was decided, or refused otherwise.

    Otherwise: another release gave it another reason. Its dead letter must not tell mine.
    """
    if is_any_refused(verdicts.refused) and ask_refusals(connection, _places(decisions)).fetchone():
        raise OvertakenError
    if verdicts.decided and verdicts.decided.fetchone():
        raise OvertakenError
    mine = {refusal.position: storable(refusal) for refusal in refusals}
    standing = map(row_to_refusal, verdicts.refused_too or ())
    if any(refusal != mine[refusal.position] for refusal in standing):
        raise OvertakenError


def _outermost(decisions: Sequence[Decision]) -> list[Place]:
    """Return places of each shard between which all others lie: the least and the greatest number of each length, as text."""
    numbers: defaultdict[tuple[StreamEpoch, ShardId, int], list[str]] = defaultdict(list)
    for epoch, shard_id, number in map(_place, decisions):
        numbers[epoch, shard_id, len(number)].append(number)
    ends = [(epoch, shard_id, end(alike)) for (epoch, shard_id, _), alike in numbers.items() for end in (min, max)]
    return [(epoch, shard_id, int(number), 0) for epoch, shard_id, number in ends]


def _places(decisions: Sequence[Decision]) -> list[Place]:
    return [(d.stream_epoch, d.shard_id, int(d.sequence_number), d.sub_sequence) for d in decisions]
