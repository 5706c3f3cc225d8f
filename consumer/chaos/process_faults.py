"""Faults of processes: each of ours killed with -9, and the consumer's log on a full disk."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from consumer.chaos.consumer_process import ConsumerProcess
from consumer.chaos.fault import Fault, FaultNotFiredError, Scene, one_of
from consumer.chaos.processes import is_alive, signal_to

_FULL = Path("/dev/full")


@dataclass(frozen=True, slots=True)
class KillOne(Fault):
    """kill -9 of one process that the host restarts."""

    @abstractmethod
    def victims(self, consumer: ConsumerProcess) -> list[int]:
        """Return all processes of this kind; the first one is the victim."""

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        consumer = scene.running()
        scene.require(lambda: bool(self.victims(consumer)), "a victim")
        pid, *others = self.victims(consumer)
        signal_to(pid, SIGKILL)
        scene.begins()
        scene.require(lambda: not is_alive(pid), f"the end of process {pid}")
        scene.require(lambda: bool(set(self.victims(consumer)) - {pid, *others}), "a successor")
        return f"process {pid} is gone, and has a successor"


@dataclass(frozen=True, slots=True)
class KillWorker(KillOne):
    """kill -9 of the worker of a shard."""

    number: int = one_of(0, 1)

    def victims(self, consumer: ConsumerProcess) -> list[int]:
        """See `KillOne`."""
        pids = consumer.worker_pids()
        first = self.number % len(pids) if pids else 0
        return pids[first:] + pids[:first]


@dataclass(frozen=True, slots=True)
class KillLauncher(KillOne):
    """kill -9 of a launcher, Java's own child for a shard."""

    def victims(self, consumer: ConsumerProcess) -> list[int]:
        """See `KillOne`."""
        return consumer.launcher_pids()


@dataclass(frozen=True, slots=True)
class KillDaemon(KillOne):
    """kill -9 of the Java daemon."""

    def victims(self, consumer: ConsumerProcess) -> list[int]:
        """See `KillOne`."""
        pid = consumer.daemon_pid()
        return [pid] if pid else []


@dataclass(frozen=True, slots=True)
class KillHousekeeping(KillOne):
    """kill -9 of housekeeping; recovery is the next alert told."""

    sign = "alerts"

    def victims(self, consumer: ConsumerProcess) -> list[int]:
        """See `KillOne`."""
        pid = consumer.housekeeping_pid()
        return [pid] if pid else []


@dataclass(frozen=True, slots=True)
class KillHost(Fault):
    """kill -9 of the host: all its processes die with it; it is started again in the same state folder."""

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        consumer = scene.running()
        ours = [consumer.daemon_pid(), consumer.housekeeping_pid()]
        orphans = [*consumer.worker_pids(), *consumer.launcher_pids(), *filter(None, ours)]
        signal_to(consumer.pid, SIGKILL)
        scene.begins()
        consumer.kill()
        scene.require(lambda: not any(is_alive(pid) for pid in orphans), "the end of all its processes")
        consumer.start()
        return f"the host and {len(orphans)} processes are gone; started again as {consumer.pid}"


@dataclass(frozen=True, slots=True)
class LogFull(Fault):
    """The consumer's log is on a full disk (/dev/full), from a restart to the next."""

    usual_s = 35.0

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        consumer = scene.running()
        _restart(consumer, _FULL)
        scene.begins()
        if Path(f"/proc/{consumer.pid}/fd/2").readlink() != _FULL:
            raise FaultNotFiredError("the consumer does not write to /dev/full")
        scene.require(lambda: bool(consumer.worker_pids()), "workers without a log", 60.0)
        scene.wait_recovered()
        if not consumer.is_running:
            raise FaultNotFiredError("the consumer ended because it could not log")
        _restart(consumer, None)
        scene.ends()
        return "worked with /dev/full as its log"


def _restart(consumer: ConsumerProcess, output: Path | None) -> None:
    if (code := consumer.stop()) != 0:
        raise FaultNotFiredError(f"the consumer stopped with {code}: {consumer.tail()}")
    consumer.start(output)
