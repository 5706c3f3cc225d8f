"""The front door under load: requests at a fixed rate in an open loop, each from the moment it was due until its decision is there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import NamedTuple

import msgspec
import numpy as np

from consumer.bench.audited import Audited, audit_apart
from consumer.bench.cpu import family_cpu_s
from consumer.bench.deployment import System, a_system
from consumer.bench.hops import percentiles
from consumer.bench.http_load import Shot, fire, post
from consumer.bench.load import CUSTOMERS, LoadFiles
from consumer.bench.result import Cell, Column, Panel, Result, Row, Sample, Target
from consumer.bench.terms import Terms
from consumer.chaos.gateway import GatewayProcess, a_gateway
from consumer.chaos.gateway_requests import request_of
from consumer.chaos.waiting import wait_until
from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate

_PATH = "/api/v1/classify"
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
_AIMS_MS = {"p50": 150, "p99": 300}
_MODES = ("polling", "fan_out")
_DRAIN_S = 120.0
_STILL_S = 1.0


class _Plan(NamedTuple):
    shards: int
    rate: int
    modes: tuple[str, ...]
    rounds: int
    warm_s: int
    seconds: int


_SMOKE = _Plan(1, 20, ("polling",), 1, 1, 3)
_SHORT = _Plan(2, 200, _MODES, 1, 10, 15)
_FULL = _Plan(2, 200, _MODES, 3, 10, 60)


class _Seen(NamedTuple):
    """Of one run: latencies of all requests, what was answered how often, processor time of the gateway, and the audit."""

    latencies_ms: tuple[float, ...]
    statuses: dict[int, int]
    cpu_us: float
    audited: Audited

    @property
    def errors(self) -> int:
        """Whatever is no decision in time."""
        return sum(number for status, number in self.statuses.items() if status != HTTPStatus.OK)


def measure(terms: Terms) -> Result:
    """Run the load in each way of retrieval, the ways in turn, round by round, each in a fresh system."""
    plan = terms.pick(_SMOKE, _SHORT, _FULL)
    seen: dict[str, list[_Seen]] = {mode: [] for mode in plan.modes}
    for number in range(plan.rounds):
        for mode in plan.modes:
            terms.say(f"round {number + 1} of {plan.rounds}, {mode}")
            seen[mode].append(_run(terms, plan, mode, number))
    return Result(
        "gateway",
        f"POST {_PATH} at {plan.rate}/s (open loop), from the moment a request was due to its answer, all on one machine",
        (*(Column(name, "ms", 1) for name in _QUANTILES), *_FURTHER),
        tuple(_row(mode, rounds) for mode, rounds in seen.items()),
        {"rate": plan.rate, "seconds": plan.seconds, "shards": plan.shards, "customers": CUSTOMERS, "seed": terms.seed},
        _NOTES,
        tuple(target for mode, rounds in seen.items() for target in _targets(mode, rounds)),
        Panel(f"gateway at {plan.rate}/s, p50", "ms", tuple((m, _sample(rounds, "p50")) for m, rounds in seen.items())),
    )


_FURTHER = (
    Column("CPU", "µs", 0),
    Column("requests", "", 0, is_drawn=False),
    Column("errors", "", 0, is_drawn=False),
    Column("audit", ""),
)
_NOTES = (
    "polling: KCL asks each shard every 200 ms. fan_out: the emulator pushes. One gateway process, one ledger connection for what waits.",
    "CPU: of the gateway's process, a request. errors: whatever is not 200 with a decision, 202 among them.",
)


def _run(terms: Terms, plan: _Plan, mode: str, number: int) -> _Seen:
    folder = terms.folder / f"{mode}-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    load = LoadFiles(folder, terms.seed, datetime.now(UTC))
    with a_system(folder, load, plan.shards, {"FRAUDSTREAM_RETRIEVAL": mode}) as system:
        deployment = system.deployment
        terms.say(f"  started in {system.start():.1f} s; warming")
        with a_gateway(folder, deployment.variables, deployment.database_url) as gateway:
            bodies = _bodies(terms.seed, f"{mode}-{number}")
            fire(gateway.address, _requests(gateway, bodies, plan.rate * plan.warm_s), plan.rate)
            seen = _shoot(terms, plan, gateway, bodies)
            _require_stop(gateway)
        seen = seen._replace(audited=audit_apart(system, _drained(system, seen)))
    terms.say(f"  audit: {seen.audited.verdict}")
    return seen


def _drained(system: System, seen: _Seen) -> int:
    """Wait until what was accepted is decided and nothing moves; return how many are. Nobody knows whether a 503 is in the stream."""
    accepted = seen.statuses.get(HTTPStatus.OK, 0) + seen.statuses.get(HTTPStatus.ACCEPTED, 0)
    decided = [-1]

    def is_still() -> bool:
        decided.append(system.deployment.decided())
        time.sleep(_STILL_S)
        return decided[-1] >= accepted and decided[-1] == decided[-2]

    wait_until(is_still, f"{accepted} verdicts, and no more to come", _DRAIN_S)
    return decided[-1]


def _shoot(terms: Terms, plan: _Plan, gateway: GatewayProcess, bodies: Iterator[bytes]) -> _Seen:
    requests = _requests(gateway, bodies, plan.rate * plan.seconds)
    before_s = family_cpu_s(gateway.pid)
    shots = fire(gateway.address, requests, plan.rate)
    cpu_us = (family_cpu_s(gateway.pid) - before_s) / len(shots) * 1e6
    statuses = dict(Counter(shot.status for shot in shots))
    seen = _Seen(tuple(shot.latency_ms for shot in shots), statuses, cpu_us, Audited("not audited", is_proof=False))
    shown = "  ".join(f"{name} {value:.0f} ms" for name, value in _quantiles(seen).items())
    terms.say(f"  {shown}; statuses {statuses}{_first_error(shots)}")
    return seen


def _first_error(shots: Sequence[Shot]) -> str:
    wrong = next((shot for shot in shots if shot.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}), None)
    return f"; the first that failed: {wrong.body[:200]!r}" if wrong else ""


def _require_stop(gateway: GatewayProcess) -> None:
    if (code := gateway.stop()) != 0:
        raise OSError(f"the gateway ended with {code}: {gateway.tail()}")


def _requests(gateway: GatewayProcess, bodies: Iterator[bytes], number: int) -> list[bytes]:
    headers = {"X-API-Key": gateway.key}
    return [post(_PATH, headers, body) for body in islice(bodies, number)]


def _bodies(seed: int, name: str) -> Iterator[bytes]:
    settings = SimulationSettings(seed=seed, customers=CUSTOMERS, run_id=f"gateway-{name}")
    events = simulate(settings, clock=lambda: datetime.now(UTC))
    return (msgspec.json.encode(request_of(each.event)) for each in events)


def _quantiles(seen: _Seen) -> dict[str, float]:
    return percentiles(np.array(seen.latencies_ms), _QUANTILES)


def _row(mode: str, rounds: list[_Seen]) -> Row:
    quantiles = [_quantiles(seen) for seen in rounds]
    cells: dict[str, Cell] = {
        name: _sample(rounds, name) for name in _QUANTILES if all(name in one for one in quantiles)
    }
    cells["CPU"] = Sample(tuple(seen.cpu_us for seen in rounds))
    cells["requests"] = sum(len(seen.latencies_ms) for seen in rounds)
    cells["errors"] = sum(seen.errors for seen in rounds)
    cells["audit"] = "; ".join(seen.audited.verdict for seen in rounds)
    return Row(mode, cells)


def _sample(rounds: list[_Seen], name: str) -> Sample:
    return Sample(tuple(_quantiles(seen).get(name, float("inf")) for seen in rounds))


def _targets(mode: str, rounds: list[_Seen]) -> Iterator[Target]:
    """Of several rounds the middle one counts for latencies; errors and audits count in each."""
    for name, aim_ms in _AIMS_MS.items():
        reached_ms = _sample(rounds, name).middle
        yield Target(f"{mode}, {name}", f"≤ {aim_ms} ms", f"{reached_ms:.0f} ms", reached_ms <= aim_ms)
    errors = sum(seen.errors for seen in rounds)
    yield Target(f"{mode}, errors", "0", str(errors), errors == 0)
    verdicts = "; ".join(seen.audited.verdict for seen in rounds)
    yield Target(f"{mode}, audit", "clean", verdicts, all(seen.audited.is_proof for seen in rounds))
