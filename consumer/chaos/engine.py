"""Runs a schedule in a deployment: fault after fault under load, each with its proof and its recovery, then the audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from consumer.auditing.report import AuditReport
from consumer.chaos.deployment import Deployment
from consumer.chaos.fault import Fault, FaultNotFiredError, Scene
from consumer.chaos.recovery import RecoveryWatch
from consumer.chaos.traffic import Traffic
from consumer.chaos.waiting import BrokenPromiseError, WaitedInVainError

PER_SECOND = 200
_FIRST_S = 120.0
_DRAIN_S = 150.0


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that struck: the proof, and the seconds to recovery from its beginning and, where it lasted, from its end."""

    kind: str
    sign: str
    parameters: dict[str, Any]
    proof: str
    from_fault_s: float
    from_end_s: float | None


@dataclass(slots=True)
class Outcome:
    """What became of a schedule. `failures` say what is wrong with it, the faults that did not fire among them."""

    seed: int
    strikes: list[Strike] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    report: AuditReport | None = None
    made: dict[str, int] = field(default_factory=dict)

    @property
    def is_proof(self) -> bool:
        """Whether every fault fired and the audit, which spared nothing, is clean and complete.

        What lies before a start in the middle had its effects under another application name: it is owed, too.
        """
        report = self.report
        if report is None or self.failures or report.counts["before_start"]:
            return False
        return report.counts["published"] > 0 and report.is_clean and report.is_complete


def run_schedule(
    deployment: Deployment,
    faults: Sequence[Fault],
    seed: int,
    *,
    per_second: int = PER_SECOND,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Strike one fault after the other, drain, stop, audit. A fault that fails ends the striking, not the audit."""
    outcome = Outcome(seed)
    deployment.consumer.start()
    with Traffic(deployment, per_second, seed) as traffic:
        say(f"first decision on every shard after {_first_decision(deployment):.1f} s")
        for number, fault in enumerate(faults, 1):
            say(f"{number}/{len(faults)} {told_fault(fault)}")
            try:
                outcome.strikes.append(strike := run_fault(deployment, traffic, fault))
            except (FaultNotFiredError, WaitedInVainError, BrokenPromiseError) as error:
                outcome.failures.append(f"{fault.kind()}: {error}")
                say(f"    FAILED: {error}")
                break
            say(f"    {strike.proof}; {recovery_of(strike)}")
    outcome.made = dict(traffic.made)
    say(f"published {traffic.published:,} records ({_told(traffic.made)}); waiting for their effects, then the audit")
    _finish(deployment, traffic, outcome)
    return outcome


def run_fault(deployment: Deployment, traffic: Traffic, fault: Fault) -> Strike:
    """Strike once. Raises FaultNotFiredError, WaitedInVainError where nothing recovers, and BrokenPromiseError."""
    with closing(Scene(deployment, traffic, fault.sign)) as scene:
        proof = fault.strike(scene)
        if scene.from_fault is None:
            raise FaultNotFiredError("it never began")
        from_end_s = scene.from_end.wait(fault.recovers_within_s) if scene.from_end else None
        from_fault_s = scene.from_fault.wait(fault.recovers_within_s)
        return Strike(fault.kind(), fault.sign, fault.parameters(), proof, from_fault_s, from_end_s)


def told_fault(fault: Fault) -> str:
    """Return the fault's kind and parameters in words."""
    return f"{fault.kind()} ({_told(fault.parameters())})" if fault.parameters() else fault.kind()


def recovery_of(strike: Strike) -> str:
    """Return the recovery in words."""
    what = "an alert" if strike.sign == "alerts" else "decisions on every shard"
    from_end = "" if strike.from_end_s is None else f", {strike.from_end_s:.1f} s after its end"
    return f"{what} {strike.from_fault_s:.1f} s after the fault{from_end}"


def _told(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _first_decision(deployment: Deployment) -> float:
    return RecoveryWatch(deployment, "decisions").wait(_FIRST_S)


def _finish(deployment: Deployment, traffic: Traffic, outcome: Outcome) -> None:
    try:
        deployment.wait_checkpointed(traffic.ends, _DRAIN_S)
        deployment.wait_told()
        for consumer in deployment.consumers:
            if (code := consumer.stop()) != 0:
                outcome.failures.append(f"the consumer stopped with {code}: {consumer.tail()}")
    except WaitedInVainError as error:
        outcome.failures.append(f"drain: {error}; the log ends: {deployment.consumer.tail()}")
    outcome.report = deployment.audit()
