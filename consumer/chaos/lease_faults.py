"""Faults of ownership: consumers that share leases and lose them, and zombies that wake up and still write."""

from __future__ import annotations

import time
from dataclasses import dataclass

from consumer.chaos.consumer_process import ConsumerProcess
from consumer.chaos.fault import Fault, Scene, last, one_of
from consumer.chaos.processes import state_of
from consumer.chaos.shard_faults import split

_STOPPED = "T"
_LEADER_LOCK_S = 120.0
_MARGIN_S = 60.0
_BALANCED_S = 180.0
_ENOUGH_TO_SHARE = 3


@dataclass(frozen=True, slots=True)
class ShareLeases(Fault):
    """A second consumer joins and gets leases, the first one stops and loses all of its own, then comes back."""

    usual_s = 90.0
    is_long = True

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        first, second = scene.running(), joined(scene)
        give_lease(scene, second)
        first.stop()
        scene.begins()
        scene.require(lambda: owners(scene) == {second.worker_id()}, "all leases at the second consumer", _MARGIN_S)
        scene.wait_recovered()
        first.start()
        give_lease(scene, first)
        scene.deployment.remove_consumer(second)
        scene.ends()
        scene.require(lambda: owners(scene) == {first.worker_id()}, "all leases at the first consumer", _MARGIN_S)
        return f"leases went from {first.worker_id()} to {second.worker_id()} and back"


@dataclass(frozen=True, slots=True)
class PauseNonLeader(Fault):
    """SIGSTOP of the whole process tree of a consumer that does not lead; a second one takes over; SIGCONT."""

    usual_s = 150.0
    is_long = True
    seconds: float = one_of(60.0)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        first, leader = scene.running(), joined(scene)
        first.stop()  # a graceful stop hands the leader's lock over
        scene.require(lambda: owners(scene) == {leader.worker_id()}, "all leases at the new leader", _MARGIN_S)
        first.start()
        give_lease(scene, first)
        return pause(scene, first, leader, self.seconds)


@dataclass(frozen=True, slots=True)
class PauseLeader(Fault):
    """SIGSTOP of the leader's whole process tree until a second consumer leads and took its leases; SIGCONT."""

    usual_s = 260.0
    is_long = True
    recovers_within_s = _LEADER_LOCK_S + 90.0
    seconds: float = one_of(180.0)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        first, second = scene.running(), joined(scene)
        return pause(scene, first, second, self.seconds)


def pause(scene: Scene, zombie: ConsumerProcess, heir: ConsumerProcess, seconds: float) -> str:
    """Stop the zombie, see the heir take over, wake the zombie and see what becomes of it; then only the zombie stays."""
    scene.require(lambda: _is_at_work(zombie), "a zombie-to-be that reads its shards", _MARGIN_S)
    before = {shard for shard, owner in scene.deployment.lease_owners().items() if owner == zombie.worker_id()}
    stopped, start_s = zombie.pause(), time.monotonic()
    scene.begins()
    scene.require(lambda: all(state_of(pid) == _STOPPED for pid in stopped), "a whole tree that stands still")
    scene.require(lambda: owners(scene) == {heir.worker_id()}, f"the leases of {sorted(before)} taken over", seconds)
    taken_s = time.monotonic() - start_s
    last(seconds, start_s)
    offset = len(zombie.log())
    zombie.resume()
    scene.ends()
    scene.require(lambda: _noticed(zombie, offset), "the zombie noticing that it lost its leases")
    scene.deployment.remove_consumer(heir)
    scene.require(lambda: owners(scene) == {zombie.worker_id()}, "all leases back", _LEADER_LOCK_S + _MARGIN_S)
    return f"{len(stopped)} processes stood still for {seconds:.0f} s; taken over after {taken_s:.0f} s; {_told(zombie, offset)}"


def joined(scene: Scene) -> ConsumerProcess:
    """Return a second consumer that has joined the first."""
    second = scene.deployment.add_consumer()
    second.start()
    scene.require(lambda: second.daemon_pid() is not None, "the second consumer's daemon", _MARGIN_S)
    return second


def give_lease(scene: Scene, consumer: ConsumerProcess) -> None:
    """See to it that the consumer owns a lease: there must be some to share out, and KCL balances them by load once a minute."""
    if len(scene.deployment.open_shards()) < _ENOUGH_TO_SHARE:
        split(scene, scene.deployment.open_shards()[0])
    scene.require(lambda: consumer.worker_id() in owners(scene), "a lease for the other consumer", _BALANCED_S)


def owners(scene: Scene) -> set[str | None]:
    """Return who owns a lease."""
    return set(scene.deployment.lease_owners().values())


def _is_at_work(consumer: ConsumerProcess) -> bool:
    """Whether it has read records of a shard: only then is there something that it can still write when it wakes."""
    health = consumer.health()
    return bool(health and any(int(worker.facts.get("records") or 0) > 0 for worker in health.workers))


def _noticed(zombie: ConsumerProcess, offset: int) -> bool:
    return not zombie.is_running or bool(_events(zombie, offset))


def _events(zombie: ConsumerProcess, offset: int) -> list[str]:
    told = zombie.log()[offset:]
    names = ("lease_lost", "chunk_adopted", "batch_overtaken", "sink_unavailable", "worker_failed", "daemon_failed")
    return [f"{told.count(name)} {name}" for name in names if f'"{name}"' in told]


def _told(zombie: ConsumerProcess, offset: int) -> str:
    return "woke up and said: " + (", ".join(_events(zombie, offset)) or "nothing")
