"""What each step of a schedule does to the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from tests.property.effects_daemons import Daemons
from tests.property.effects_deploys import DEPLOYS
from tests.property.effects_kcl import Consumer
from tests.property.effects_leases import Lease
from tests.property.effects_process import Process
from tests.property.effects_schedule import RELAYS_CALLS, Schedule, Step, name_of
from tests.property.effects_world import World

T = TypeVar("T")
_CALLS = (1000, 1, 2, 3, 5, 8, 13, 1000)
_SIZES = (8, 1, 2, 3, 4, 5, 2, 1)
_MOST_LIVING = 6
_HOUR = timedelta(hours=1)


class Fate:
    """Carries out a schedule. What is not possible in a step does not happen; what happens is counted."""

    def __init__(self, world: World, daemons: Daemons) -> None:
        self._world, self._daemons = world, daemons
        self._actions: dict[str, Callable[[Step], None]] = {
            "go": self._go,
            "start": self._start,
            "kill": self._kill,
            "halt": self._halt,
            "relay": self._relay,
            "kill relay": self._kill_relay,
            "land": self._land,
            "tell lease lost": self._tell_lease_lost,
            "stop": self._stop,
            "end session": self._end_session,
            "clock": self._clock,
            "new application": self._new_application,
            "trim": self._trim,
        }

    def befall(self, schedule: Schedule) -> None:
        """Let the steps happen in their order."""
        for lease in self._world.leases.values():
            if self._world.may_start(lease):
                self._world.start(lease, DEPLOYS[schedule.deploy])
        for step in schedule.steps:
            self._world.tell(f"-- {step.what} {step.who} {step.much} {step.at}")
            self._actions.get(step.what, self._meet_fault)(step)

    def _go(self, step: Step) -> None:
        relays = [relay for relay in self._world.relays if not relay.is_over]
        living: list[Consumer | Process] = [*self._world.living(), *relays]
        chosen = _pick(living, step.who)
        if isinstance(chosen, Process):
            chosen.resume()
        elif chosen is not None:
            self._daemons.go(chosen, _SIZES[step.much], _CALLS[step.much])

    def _start(self, step: Step) -> None:
        world = self._world
        lease = _pick([lease for lease in world.leases.values() if world.may_start(lease)], step.who)
        if lease is not None and len(world.living()) < _MOST_LIVING:
            is_stolen = lease.owner is not None and lease.owner.is_alive
            world.fired("start")
            world.fired("lease stolen" if is_stolen else "lease taken")
            world.start(lease, DEPLOYS[step.much % len(DEPLOYS)])

    def _kill(self, step: Step) -> None:
        world, consumer = self._world, _pick(self._world.living(), step.who)
        if consumer is None or (step.at and not self._daemons.reach(consumer, step.at, _SIZES[step.much])):
            return
        world.fired(name_of((step.what, step.at)))
        world.tell(f"{consumer.name} is killed {consumer.standing}")
        if step.much % 2:
            self._leave_behind(consumer)
        consumer.process.kill()

    def _leave_behind(self, consumer: Consumer) -> None:
        """Its last request was on the wire: it lands later, or KCL carries out the checkpoint."""
        call = consumer.standing.removeprefix("before ")
        if call in {"put", "letter"}:
            consumer.process.disarm()
            consumer.process.arm(call, "lands late")
            consumer.advance()
        elif call == "checkpoint":
            consumer.advance()

    def _halt(self, step: Step) -> None:
        consumer = _pick(self._world.living(), step.who)
        if consumer is not None and self._daemons.reach(consumer, step.at, _SIZES[step.much]):
            self._world.fired(name_of((step.what, step.at)))
            self._world.tell(f"{consumer.name} halts {step.at}")

    def _meet_fault(self, step: Step) -> None:
        """Its next call of this kind meets a fault, probably soon."""
        if step.what in RELAYS_CALLS:
            self._relay(step)
        elif consumer := _pick(self._world.living(), step.who):
            consumer.process.arm(step.what, step.at)
            self._daemons.go(consumer, _SIZES[step.much], _CALLS[step.much])

    def _relay(self, step: Step) -> None:
        relay = self._world.start_relay()
        self._world.fired("relay")
        if step.at:
            relay.arm(step.what, step.at)
        for _ in range(_CALLS[step.much]):
            relay.resume()

    def _kill_relay(self, step: Step) -> None:
        relay = self._world.start_relay()
        while not relay.is_over and relay.point != step.at:
            relay.resume()
        if not relay.is_over:
            self._world.fired(name_of((step.what, step.at)))
            relay.kill()

    def _land(self, step: Step) -> None:
        buckets = [bucket for bucket in (self._world.lake, self._world.letters) if bucket.on_the_wire]
        bucket = _pick(buckets, step.much)
        if bucket is not None:
            key = bucket.land(step.who % len(bucket.on_the_wire)).key
            self._world.fired("land")
            self._world.tell(f"wire: {key[-40:]} lands")

    def _tell_lease_lost(self, step: Step) -> None:
        if consumer := _pick(self._daemons.served(), step.who):
            self._world.fired("tell lease lost")
            consumer.lose_lease()
            self._daemons.run(consumer)

    def _stop(self, step: Step) -> None:
        if consumer := _pick(self._daemons.served(), step.who):
            self._world.fired("stop")
            consumer.request_shutdown()
            self._daemons.run(consumer, _CALLS[step.much])

    def _end_session(self, step: Step) -> None:
        """The server gives up on a process that was stopped inside its transaction."""
        consumer = _pick(self._world.living(), step.who)
        if consumer is not None and self._daemons.reach(consumer, step.at, _SIZES[step.much]):
            self._world.end_session(consumer)

    def _clock(self, step: Step) -> None:
        self._world.fired("clock")
        self._world.now += _HOUR if step.who % 2 else -_HOUR
        self._world.steady_s += (0, 6, 61, 1_000)[step.much % 4]

    def _new_application(self, step: Step) -> None:
        """Another name: at the horizon, or at a timestamp. Off the chain that is only safe once all older workers are quiet."""
        world = self._world
        starts = dict(world.trimmed)
        if step.much:
            starts = {s: t + step.much * (step.who + 1) % (len(world.shard(s)) - t) for s, t in starts.items()}
        leases = {shard: Lease(shard, start) for shard, start in starts.items()}
        if not all(self._daemons.is_on_the_chain(lease) for lease in leases.values()):
            self._daemons.go_quiet()
        elif world.living():
            world.fired("new application: beside the old")
        world.fired("new application")
        world.fired("new application: " + ("at a timestamp" if step.much else "at the horizon"))
        world.tell(f"new application at {starts}")
        world.leases = leases

    def _trim(self, step: Step) -> None:
        """Nobody consumed for longer than the retention, or everybody did."""
        world, shard_id = self._world, _pick(self._world.shards, step.who)
        if shard_id is None:
            return
        trimmed = min(world.trimmed[shard_id] + step.much, len(world.shard(shard_id)) - 1)
        if trimmed > world.begin(world.leases[shard_id]):
            self._daemons.go_quiet()
            world.fired("trim: beyond the checkpoint")
        elif trimmed > world.trimmed[shard_id]:
            world.fired("trim: what was consumed")
        world.trimmed[shard_id] = trimmed
        world.fired("trim")


def _pick(things: Sequence[T], index: int) -> T | None:
    return things[index % len(things)] if things else None
