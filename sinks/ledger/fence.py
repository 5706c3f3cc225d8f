"""The fence between owners of one shard that run at once: what each looked up may be stale when it commits.

A transaction takes its shards' locks first. Then it looks whether a record of its batch has got the other verdict meanwhile; the
lock alone would not do, because the look-up came before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from schemas.decision import Decision
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.errors import OvertakenError
from sinks.ledger.connection import Connection
from sinks.ledger.look_up import ask_decisions_at, ask_refusals
from sinks.ledger.queries import query
from sinks.ledger.rows import row_to_position, row_to_refusal, storable
from sinks.port import Delivery, Refusal


class _Stretch(NamedTuple):
    """The first and the last of some sequence numbers that have equally many digits."""

    stream_epoch: StreamEpoch
    shard_id: ShardId
    first: str
    last: str


def lock_shards(connection: Connection, positions: Iterable[StreamPosition]) -> None:
    """Let no other transaction give verdicts on records of these shards until this one ends."""
    for epoch, shard_id in sorted({(position.stream_epoch, position.shard_id) for position in positions}):
        connection.execute(query("lock"), {"name": f"fraudstream/shard/{epoch}/{shard_id}"})


def require_unchanged(connection: Connection, decisions: Sequence[Decision], refusals: Sequence[Refusal]) -> None:
    """Raise OvertakenError if a record to be decided was refused meanwhile, a record to be refused was decided, or refused otherwise.

    Otherwise: another release gave it another reason. Its dead letter must not tell mine.
    """
    if _is_any_refused(connection, {decision.position for decision in decisions}):
        raise OvertakenError
    deliveries = [Delivery(refusal.position, refusal.arrival_time) for refusal in refusals]
    if deliveries and ask_decisions_at(connection, deliveries).fetchone():
        raise OvertakenError
    mine = {refusal.position: storable(refusal) for refusal in refusals}
    standing = map(row_to_refusal, ask_refusals(connection, list(mine))) if mine else ()
    if any(refusal != mine[refusal.position] for refusal in standing):
        raise OvertakenError


def _is_any_refused(connection: Connection, positions: Collection[StreamPosition]) -> bool:
    return any(
        row_to_position(row) in positions
        for stretch in _stretches(positions)
        for row in connection.execute(query("refused_between"), stretch._asdict())
    )


def _stretches(positions: Iterable[StreamPosition]) -> Iterator[_Stretch]:
    groups: dict[tuple[StreamEpoch, ShardId, int], list[str]] = {}
    for position in positions:
        number = str(position.sequence_number)
        groups.setdefault((position.stream_epoch, position.shard_id, len(number)), []).append(number)
    for (epoch, shard_id, _), numbers in groups.items():
        yield _Stretch(epoch, shard_id, min(numbers), max(numbers))
