"""Faults that are no faults: shards split, merged and counted anew while events flow."""

from __future__ import annotations

from dataclasses import dataclass

from consumer.chaos.fault import Fault, Scene, one_of

_LEADERLESS_S = 180.0
"""After kill -9 of Java its leader lock is held for two minutes more, and only a leader gives new shards to a worker."""


@dataclass(frozen=True, slots=True)
class Reshard(Fault):
    """The shards change."""

    recovers_within_s = _LEADERLESS_S


@dataclass(frozen=True, slots=True)
class Split(Reshard):
    """A shard is split under load."""

    number: int = one_of(0, 1, 2)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        scene.running()
        shards = scene.deployment.open_shards()
        shard = shards[self.number % len(shards)]
        split(scene, shard)
        scene.begins()
        return _wait_ended(scene, [shard["ShardId"]])


@dataclass(frozen=True, slots=True)
class Merge(Reshard):
    """Two neighbouring shards are merged under load."""

    number: int = one_of(0, 1, 2)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        scene.running()
        while len(shards := scene.deployment.open_shards()) < 2:  # noqa: PLR2004 - it takes two
            split(scene, shards[0])
        lower = self.number % (len(shards) - 1)
        pair = [str(shard["ShardId"]) for shard in shards[lower : lower + 2]]
        stream = scene.deployment.resources.stream_name
        scene.deployment.kinesis.merge_shards(StreamName=stream, ShardToMerge=pair[0], AdjacentShardToMerge=pair[1])
        scene.begins()
        return _wait_ended(scene, pair)


@dataclass(frozen=True, slots=True)
class UpdateShardCount(Reshard):
    """The stream gets another number of shards under load."""

    more: bool = one_of(True, False)

    usual_s = 25.0

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        scene.running()
        shards = scene.deployment.open_shards()
        target = len(shards) + 1 if self.more or len(shards) == 1 else len(shards) - 1
        scene.deployment.kinesis.update_shard_count(
            StreamName=scene.deployment.resources.stream_name, TargetShardCount=target, ScalingType="UNIFORM_SCALING"
        )
        scene.require(lambda: len(scene.deployment.open_shards()) == target, f"{target} open shards")
        scene.begins()
        left = {shard["ShardId"] for shard in shards} - {s["ShardId"] for s in scene.deployment.open_shards()}
        return _wait_ended(scene, sorted(left))


def split(scene: Scene, shard: dict[str, dict[str, str]]) -> None:
    """Split a shard in the middle."""
    low, high = (int(shard["HashKeyRange"][key]) for key in ("StartingHashKey", "EndingHashKey"))
    stream, shard_id = scene.deployment.resources.stream_name, str(shard["ShardId"])
    scene.deployment.kinesis.split_shard(
        StreamName=stream, ShardToSplit=shard_id, NewStartingHashKey=str((low + high) // 2)
    )


def _wait_ended(scene: Scene, shard_ids: list[str]) -> str:
    """Wait until the consumers have read the closed shards to their end."""
    scene.require(
        lambda: not set(shard_ids) & scene.deployment.lease_owners().keys(), f"the end of {shard_ids}", _LEADERLESS_S
    )
    return f"{', '.join(shard_ids)} read to the end; {len(scene.deployment.open_shards())} shards are open"
