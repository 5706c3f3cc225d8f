"""The calm after a schedule: what is on its way arrives, and healthy incarnations bring everything to its end."""

from __future__ import annotations

from sinks.errors import TransientSinkError
from tests.property.effects_daemons import Daemons
from tests.property.effects_deploys import DEPLOYS
from tests.property.effects_kcl import Consumer
from tests.property.effects_leases import Lease, Violation
from tests.property.effects_process import Died, Process
from tests.property.effects_world import World

_ROUNDS = 100
_BATCH = 5


def settle(world: World, daemons: Daemons) -> None:
    """Let everything come to rest; raises Violation if it does not."""
    world.tell("-- calm")
    for process in [*(consumer.process for consumer in world.consumers), *world.relays]:
        process.disarm()
    _let_all_answer(world, daemons)
    _land_half(world)
    for lease in world.leases.values():
        _finish(world, daemons, lease)
    daemons.go_quiet()
    _relay_all(world)


def _let_all_answer(world: World, daemons: Daemons) -> None:
    """In turns: one may wait for the other's transaction."""
    for _ in range(_ROUNDS):
        busy = [consumer for consumer in world.living() if not consumer.is_idle]
        if not busy:
            return
        for consumer in busy:
            daemons.run(consumer)
    raise Violation("a worker waits for ever")


def _land_half(world: World) -> None:
    for bucket in (world.lake, world.letters):
        for _ in range(len(bucket.on_the_wire) // 2):
            bucket.land(0)


def _finish(world: World, daemons: Daemons, lease: Lease) -> None:
    """Let a healthy owner consume the rest; before its last flush all others consume theirs too, and write what they have."""
    last = world.shard(lease.shard_id)[-1].position.within_shard
    goal = "SHARD_END" if world.is_closed(lease.shard_id) else last
    others = [consumer for consumer in daemons.served() if consumer.lease.shard_id == lease.shard_id]
    owners = [world.start(lease, DEPLOYS[0])] if world.may_start(lease) else []
    for owner in owners:
        while owner.is_idle and not (owner.is_open and owner.next >= len(owner.records)):
            _send(daemons, owner)
    for consumer in [*others, *owners]:
        _drain(daemons, consumer)
    if lease.checkpoint != goal:
        raise Violation(f"everything was consumed, and the checkpoint is {lease.checkpoint}, not {goal}")


def _drain(daemons: Daemons, consumer: Consumer) -> None:
    """Deliver the rest of the shard and ask for the last flush."""
    while consumer.is_idle and not consumer.was_told_all:
        _send(daemons, consumer)
    if consumer.is_idle and not consumer.has_ended:
        consumer.request_shutdown()
        daemons.let_answer(consumer)


def _send(daemons: Daemons, consumer: Consumer) -> None:
    daemons.message(consumer, _BATCH)
    daemons.let_answer(consumer)


def _relay_all(world: World) -> None:
    for _ in range(_ROUNDS):
        for relay in world.relays:
            _end(relay)
        if not world.database.pending():
            return
        world.start_relay()
    raise Violation("alerts stay in the outbox for ever")


def _end(relay: Process) -> None:
    while not relay.is_over:
        relay.resume()
    if not isinstance(relay.error, TransientSinkError | Died | None):
        raise Violation("a relay ended") from relay.error
