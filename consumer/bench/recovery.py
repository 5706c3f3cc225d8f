"""How long until decisions flow again: after a kill -9 of a worker, of Java, of the host; and how long a start takes, cold and warm."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from signal import SIGKILL
from typing import NamedTuple

from consumer.bench.deployment import System, a_system
from consumer.bench.interleave import interleaved
from consumer.bench.load import CUSTOMERS, LoadFiles
from consumer.bench.result import Column, Panel, Result, Row, Sample, Target
from consumer.bench.steady import steady_load
from consumer.bench.terms import Terms
from consumer.chaos.processes import signal_to
from consumer.chaos.recovery import RecoveryWatch
from consumer.chaos.waiting import BrokenPromiseError, WaitedInVainError
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from consumer.scoring.scorer import Scorer

_RATE = 500
_MODEL_LOADS = 5
_SETTLE_S = 3.0
_PATIENCE_S = 300.0
_WANTED_S = 10
_QUICK = {"FRAUDSTREAM_FAST_FAILOVER": "true", "FRAUDSTREAM_MAX_RESTARTS": "1000"}
_PRODUCTION = {"FRAUDSTREAM_FAST_FAILOVER": "false", "FRAUDSTREAM_MAX_RESTARTS": "1000"}
_PROFILES = {"production": _PRODUCTION, "fast failover": _QUICK}


_KINDS = ("kill -9 of a worker", "kill -9 of Java", "kill -9 of the host", "stop and start")


class _Plan(NamedTuple):
    shards: int
    kinds: tuple[str, ...]
    profiles: tuple[str, ...]
    rounds: int
    cold_rounds: int


_SMOKE = _Plan(1, ("kill -9 of a worker",), ("fast failover",), 1, 0)
_SHORT = _Plan(2, _KINDS[:3], ("production",), 2, 0)
_FULL = _Plan(2, _KINDS, tuple(_PROFILES), 7, 3)


def measure(terms: Terms) -> Result:
    """Kill under running load, each kind in turn, round by round; start fresh applications; load the model."""
    plan = terms.pick(_SMOKE, _SHORT, _FULL)
    rows: dict[str, tuple[float, ...]] = {}
    for profile in plan.profiles:
        seconds = _disturb(terms, plan, profile)
        rows |= {f"{what}, {profile}": values for what, values in seconds.items()}
    for number in range(plan.cold_rounds):
        took_s = _start_cold(terms, plan, number)
        rows["cold start, production"] = (*rows.get("cold start, production", ()), took_s)
    rows["model load"] = tuple(_load_model_s() for _ in range(_MODEL_LOADS))
    return Result(
        "recovery",
        "Seconds until each shard has committed a decision of an event that arrived after the disturbance, under load",
        (Column("seconds", "s", 2), Column("rounds", "", 0, is_drawn=False)),
        tuple(Row(label, {"seconds": Sample(values), "rounds": len(values)}) for label, values in rows.items()),
        {"rate": _RATE, "shards": plan.shards, "customers": CUSTOMERS, "seed": terms.seed},
        _NOTES,
        tuple(_target(label, values) for label, values in rows.items() if label.startswith("kill -9")),
        Panel(
            "kill -9 to next decision",
            "s",
            tuple((_short(w), Sample(v)) for w, v in rows.items() if w.startswith("kill -9")),
        ),
    )


_NOTES = (
    "Exact to a tenth of a second: the ledger is asked every 0.1 s. The host is started again at once, as its orchestrator would.",
    "production: KCL's own intervals (failover 10 s). fast failover: those of the demo and the tests (3 s).",
    "model load: the shipped bundle, checked and ready to score, in a process that has its libraries loaded.",
)


def _disturb(terms: Terms, plan: _Plan, profile: str) -> dict[str, tuple[float, ...]]:
    """Return the seconds of every round by disturbance, the warm start first; all of them in one system under one load."""
    place, settings = _place(terms, profile), _PROFILES[profile]
    with a_system(*place, plan.shards, settings) as system, steady_load(system.loader, _RATE):
        terms.say(f"{profile}: warm start")
        warm_s = _from_start(system)
        terms.say(f"  {warm_s:.1f} s")
        contestants = {kind: partial(_act, terms, system, kind) for kind in plan.kinds}
        return {"warm start": (warm_s,), **interleaved(contestants, plan.rounds, terms.seed, terms.say)}


def _start_cold(terms: Terms, plan: _Plan, number: int) -> float:
    terms.say("production: cold start")
    settings = {**_PRODUCTION, "FRAUDSTREAM_WARM_START": "false"}
    place = _place(terms, f"cold-{number}")
    with a_system(*place, plan.shards, settings) as system, steady_load(system.loader, _RATE):
        took_s = _from_start(system)
    terms.say(f"  {took_s:.1f} s")
    return took_s


def _place(terms: Terms, name: str) -> tuple[Path, LoadFiles]:
    folder = terms.folder / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder, LoadFiles(folder, terms.seed, datetime.now(UTC))


def _act(terms: Terms, system: System, kind: str) -> float:
    _settle(system)
    took_s = _DISTURBANCES[kind](system)
    terms.say(f"  {kind}: {took_s:.1f} s")
    return took_s


def _settle(system: System) -> None:
    """Wait until every shard has a worker that keeps up, and a little longer."""
    consumer, shards = system.deployment.consumer, len(system.deployment.open_shards())

    def is_settled() -> bool:
        return len(consumer.worker_pids()) >= shards and (consumer.lag_ms() or 0) < _SETTLE_S * 1000

    system.wait(is_settled, "a worker for every shard that keeps up", _PATIENCE_S)
    time.sleep(_SETTLE_S)


def _from_start(system: System) -> float:
    system.deployment.consumer.start()
    return _until_decided(system)


def _kill(system: System, pid: int | None) -> float:
    if pid is None:
        raise WaitedInVainError("there is no such process to kill")
    signal_to(pid, SIGKILL)
    return _until_decided(system)


def _kill_host(system: System) -> float:
    """The container dies, with all its processes, and is started again."""
    system.deployment.consumer.kill()
    return _from_start(system)


def _restart(system: System) -> float:
    """A deploy: what counts is the start; the stop before it took as long as its last checkpoint."""
    if (code := system.deployment.consumer.stop()) != 0:
        raise BrokenPromiseError(f"the consumer ended with {code}: {system.deployment.consumer.tail()}")
    return _from_start(system)


_DISTURBANCES: Mapping[str, Callable[[System], float]] = {
    "kill -9 of a worker": lambda system: _kill(system, system.deployment.consumer.worker_pids()[0]),
    "kill -9 of Java": lambda system: _kill(system, system.deployment.consumer.daemon_pid()),
    "kill -9 of the host": _kill_host,
    "stop and start": _restart,
}


def _until_decided(system: System) -> float:
    watch = RecoveryWatch(system.deployment, "decisions")
    try:
        return watch.wait(_PATIENCE_S)
    finally:
        watch.stop()


def _load_model_s() -> float:
    start_s = time.perf_counter()
    Scorer(load_bundle(DEFAULT_BUNDLE))
    return time.perf_counter() - start_s


def _target(label: str, values: tuple[float, ...]) -> Target:
    return Target(
        f"{label} → first new commit", f"≤ {_WANTED_S} s", f"at most {max(values):.1f} s", max(values) <= _WANTED_S
    )


def _short(label: str) -> str:
    return label.removeprefix("kill -9 of ")
