"""`fraudstream chaos`: a seeded schedule of faults against the whole system on this machine, and the audit of what came of it."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from consumer.chaos.catalogue import CATALOGUE, QUICK
from consumer.chaos.deployment import a_deployment
from consumer.chaos.engine import Outcome, run_schedule, told_fault
from consumer.chaos.fault import Fault
from consumer.chaos.schedule import draw
from consumer.chaos.summary import summarise, table
from consumer.telemetry.logs import configure_logs
from infra.local.environment import LocalEnvironment


class UnknownFaultError(OSError):
    """A kind that is not in the catalogue was asked for."""


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """What the user asked for: `minutes` None strikes every kind once; `kinds` empty means all that take no minutes of their own."""

    seed: int
    minutes: float | None = None
    kinds: tuple[str, ...] = ()
    shards: int = 2
    rate: int = 200
    as_json: bool = False

    def schedule(self) -> list[Fault]:
        """Return the faults. Raises UnknownFaultError."""
        if unknown := set(self.kinds) - CATALOGUE.keys():
            raise UnknownFaultError(
                f"no such fault: {', '.join(name or '(empty)' for name in sorted(unknown))}; `fraudstream chaos --list` has them"
            )
        kinds = [CATALOGUE[name] for name in self.kinds] or list(QUICK)
        return draw(self.seed, kinds, None if self.minutes is None else self.minutes * 60)

    def command(self) -> str:
        """Return what runs the same schedule again."""
        minutes = "" if self.minutes is None else f" --minutes {self.minutes:g}"
        kinds = f" --kinds {','.join(self.kinds)}" if self.kinds else ""
        return f"fraudstream chaos --seed {self.seed}{minutes}{kinds} --shards {self.shards} --rate {self.rate}"


def list_kinds() -> list[str]:
    """Return a line for each kind of fault; a star marks those that only strike when they are named, as the last line says."""
    width = max(map(len, CATALOGUE))
    lines = [f"{name:<{width}} {'*' if kind.is_long else ' '} {kind.about()}" for name, kind in CATALOGUE.items()]
    return [*lines, "* takes minutes: strikes only where --kinds names it"]


def run_chaos(plan: ChaosPlan) -> int:
    """Run the schedule in an environment of its own. Return 0 exactly if every fault fired and the audit is clean and complete."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    configure_logs("error")  # a publisher that tries again is no news here
    faults = plan.schedule()
    _print_schedule(plan, faults)
    folder = Path(tempfile.mkdtemp(prefix="fraudstream-chaos-"))
    _say(plan, "starting the AWS emulator, PostgreSQL and the consumer; Ctrl-C ends everything")
    try:
        outcome = _run(plan, faults, folder)
    except BaseException:
        _say(plan, f"the logs are kept in {folder}")
        raise
    _report(plan, outcome, folder)
    return int(not outcome.is_proof)


def _run(plan: ChaosPlan, faults: Sequence[Fault], folder: Path) -> Outcome:
    start_s = time.monotonic()
    with (
        LocalEnvironment(folder / "environment") as environment,
        a_deployment(environment, folder / "consumer", shards=plan.shards) as deployment,
    ):
        return run_schedule(
            deployment, faults, plan.seed, per_second=plan.rate,
            say=lambda what: _say(plan, f"[{time.monotonic() - start_s:6.1f} s] {what}"),
        )  # fmt: skip


def document(outcome: Outcome) -> dict[str, object]:
    """Return the outcome as a JSON document."""
    return {
        "seed": outcome.seed,
        "is_proof": outcome.is_proof,
        "failures": outcome.failures,
        "published": outcome.made,
        "strikes": [asdict(strike) for strike in outcome.strikes],
        "recovery": [summary._asdict() for summary in summarise([outcome])],
        "audit": outcome.report.document() if outcome.report else None,
    }


def _print_schedule(plan: ChaosPlan, faults: Sequence[Fault]) -> None:
    _say(
        plan, f"schedule of seed {plan.seed}, usually about {sum(fault.usual_s for fault in faults) / 60:.1f} minutes:"
    )
    for number, fault in enumerate(faults, 1):
        _say(plan, f"  {number:>3} {told_fault(fault)}")


def _report(plan: ChaosPlan, outcome: Outcome, folder: Path) -> None:
    if plan.as_json:
        print(json.dumps(document(outcome), indent=2, default=str))
    else:
        print("\n".join(["recovery, least / median / most:", *table(summarise([outcome]))]))
        print("\n".join(outcome.report.lines() if outcome.report else ["no audit"]))
    for failure in outcome.failures:
        _say(plan, f"FAILED: {failure}")
    if outcome.is_proof:
        shutil.rmtree(folder)
    else:
        _say(plan, f"the logs are kept in {folder}")
    _say(plan, f"the same again: {plan.command()}")


def _say(plan: ChaosPlan, what: str) -> None:
    if not plan.as_json:
        print(f"chaos: {what}", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does: nothing may outlive the command."""
    raise KeyboardInterrupt
