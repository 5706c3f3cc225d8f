"""What must hold of the bucket when a simulated world has settled."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import structlog

from schemas.position import Position
from sinks.lake.keys import parse_chunk_key
from tests.property.chain_rules import Rules, Violation
from tests.property.chain_world import World


def simulate(seed: int, size: int, rules: Rules | None = None) -> World:
    """Run one world and audit it; raises Violation with the seed and what happened."""
    world = World(seed, size, rules or Rules())
    try:
        with structlog.testing.capture_logs():
            world.run()
        _audit(world)
    except Violation as violation:
        story = "\n".join(world.events)
        raise Violation(f"seed {seed}, {size} records: {violation}\n{story}") from None
    return world


def _audit(world: World) -> None:
    _no_object_overlaps_another(world)
    _every_row_stands_once_where_it_belongs(world)
    _only_ends_of_objects_were_checkpointed(world)
    for record_number in sorted(_owed(world)):
        _the_record_is_covered_and_its_row_is_there(world, record_number)


def _ranges(world: World) -> list[tuple[Position, Position]]:
    return sorted(
        (parse_chunk_key(key).first.within_shard, chunk.footer.end.within_shard)
        for key, chunk in world.lake.objects.items()
    )


def _no_object_overlaps_another(world: World) -> None:
    ranges = _ranges(world)
    for (first, end), (following, _) in pairwise(ranges):
        if not first <= end < following:
            raise Violation(f"the object of {first} ends at {end}, and the next begins at {following}")


def _every_row_stands_once_where_it_belongs(world: World) -> None:
    arrival_days = {record.position: record.arrival_time.date() for record in world.stream}
    for key, chunk in world.lake.objects.items():
        arrival_day, first = parse_chunk_key(key)
        if arrival_days.get(first) != arrival_day or chunk.footer.rows != len(chunk.rows):
            raise Violation(f"{key} is not the key of the first record consumed, or miscounts its rows")
        if any(not first <= row.position <= chunk.footer.end for row in chunk.rows):
            raise Violation(f"{key} holds a row of a record outside of it")
    for event, times in Counter(r.identity for c in world.lake.objects.values() for r in c.rows).items():
        if times > 1:
            raise Violation(f"{event} stands in the lake {times} times")


def _only_ends_of_objects_were_checkpointed(world: World) -> None:
    ends = {end for _, end in _ranges(world)}
    for _, checkpoint in world.owed:
        if checkpoint not in ends:
            raise Violation(f"{checkpoint} was checkpointed, and no object ends there")


def _owed(world: World) -> set[int]:
    """Every record between where a worker began and where it wrote a checkpoint."""
    return {
        number
        for first, last in set(world.owed)
        for number, record in enumerate(world.stream)
        if first <= record.place <= last
    }


def _the_record_is_covered_and_its_row_is_there(world: World, number: int) -> None:
    record = world.stream[number]
    chunks = [
        chunk
        for key, chunk in world.lake.objects.items()
        if parse_chunk_key(key).first.within_shard <= record.place <= chunk.footer.end.within_shard
    ]
    if len(chunks) != 1:
        raise Violation(f"record {number} at {record.place} was checkpointed and is covered by {len(chunks)} objects")
    effective = world.ledger.get(record.decision.transaction_id) if record.decision else None
    is_due = effective is not None and effective.position == record.position
    if is_due != any(row.position == record.position for row in chunks[0].rows):
        raise Violation(f"record {number} at {record.place} {'lost its row' if is_due else 'has a row too many'}")
