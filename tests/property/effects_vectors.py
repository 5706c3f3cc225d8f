"""The verdict on vectors: the oracle computes each anew from the rows that its user had when its transaction was committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from consumer.scoring.features import EVENT, VELOCITY
from schemas.decision import Decision
from schemas.position import ShardId
from tests.oracle import plain
from tests.oracle.ledger_rows import NAMES, Vectors, differences, ledger_rows
from tests.property.effects_leases import Violation
from tests.property.effects_stream import PARENTS
from tests.property.effects_world import World

_OF_USERS = [number for number, name in enumerate(NAMES) if name.startswith("user_")]
"""Nobody rolls merchants' hours up here."""
_OUT_OF_ORDER = ("new application: at a timestamp", "trim: beyond the checkpoint")
"""After these a shard's records may be decided when later ones are already."""


def judge_vectors(world: World, decisions: Sequence[Decision]) -> None:
    """Raise Violation if a vector is not the oracle's; tell how many were held against it.

    The order of a user's rows is the shard's. Left out are users that several shards wrote of, because a record went astray: each
    worker sees of them what the others have committed by then.
    """
    committed = world.database.committed
    in_order = sorted(decisions, key=lambda row: (committed[row.identity], row.position))
    strays = _strays(world, in_order)
    rows = ledger_rows(in_order)
    expected = np.ascontiguousarray(plain.vectors(rows)[:, _OF_USERS])
    judged = [at for at, row in enumerate(in_order) if _has_vector(row) and row.user_id not in strays]
    found = _vectors([in_order[at] for at in judged])
    wrong = [*differences(expected[judged], found, [rows[at] for at in judged])]
    if wrong:
        raise Violation("\n".join(["vectors are not the oracle's:", *wrong]))
    world.counts["_vectors"] += len(judged)
    world.counts["_vectors with a past"] += int((expected[judged, NAMES.index("user_count_30d")] > 1).sum())


def _has_vector(row: Decision) -> bool:
    return row.feature_set == VELOCITY.name


def _vectors(decisions: Sequence[Decision]) -> Vectors:
    packed = b"".join(row.features for row in decisions)
    vectors = np.frombuffer(packed, "<f4").reshape(len(decisions), len(VELOCITY.names))
    return np.ascontiguousarray(vectors[:, len(EVENT.names) :][:, _OF_USERS])


def _strays(world: World, in_order: Sequence[Decision]) -> set[str]:
    """Return the users of several shards, or whose rows were not committed in the shard's order, where that may be."""
    places: defaultdict[str, list[tuple[ShardId, tuple[bool, int]]]] = defaultdict(list)
    for row in in_order:
        parent = PARENTS.get(row.shard_id) if world.is_split else None
        places[row.user_id].append((parent or row.shard_id, (parent is not None, int(row.sequence_number))))
    strays = {user for user, where in places.items() if len({shard for shard, _ in where}) > 1}
    disordered = {user for user, where in places.items() if [*where] != sorted(where)} - strays
    if disordered and not any(world.counts[fault] for fault in _OUT_OF_ORDER):
        raise Violation(f"{disordered} were not decided in the order of their shard")
    return strays | disordered
