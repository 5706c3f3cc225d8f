"""The oracle's verdict on the vectors that a deployment left in its ledger, whatever struck it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from consumer.chaos.deployment import Deployment
from consumer.scoring.features import EVENT, VELOCITY
from schemas.decision import Decision
from tests.oracle import plain
from tests.oracle.ledger_rows import differences, ledger_rows

Parents = Mapping[str, Sequence[str]]


def judge_vectors(deployment: Deployment) -> tuple[int, list[str]]:
    """Return how many vectors were judged, and every cell that is not the oracle's.

    Shard ids grow, so a user's rows are in order by shard and sequence number. Left out are users that shards wrote of side by side:
    their records went astray, and each worker sees what the others have committed by then.
    """
    rows = sorted(deployment.evidence().decisions, key=lambda row: row.position)
    strays = _strays(rows, _parents(deployment))
    judged = [at for at, row in enumerate(rows) if row.feature_set == VELOCITY.name and row.user_id not in strays]
    packed = b"".join(rows[at].features for at in judged)
    vectors = np.frombuffer(packed, "<f4").reshape(len(judged), len(VELOCITY.names))[:, len(EVENT.names) :]
    facts = ledger_rows(rows)
    expected = plain.vectors(facts)[judged]
    return len(judged), [*differences(expected, np.ascontiguousarray(vectors), [facts[at] for at in judged])]


def _parents(deployment: Deployment) -> Parents:
    shards = deployment.kinesis.list_shards(StreamName=deployment.resources.stream_name)["Shards"]
    both = {shard["ShardId"]: (shard.get("ParentShardId"), shard.get("AdjacentParentShardId")) for shard in shards}
    return {shard: [parent for parent in parents if parent] for shard, parents in both.items()}


def _strays(rows: Sequence[Decision], parents: Parents) -> set[str]:
    shards: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        shards[row.user_id].add(row.shard_id)
    return {user for user, on in shards.items() if not _are_one_line(sorted(on), parents)}


def _are_one_line(shards: Sequence[str], parents: Parents) -> bool:
    return all(older in _ancestors(newer, parents) for older, newer in pairwise(shards))


def _ancestors(shard: str, parents: Parents) -> set[str]:
    found = set(parents.get(shard, ()))
    return found | {ancestor for parent in found for ancestor in _ancestors(parent, parents)}
