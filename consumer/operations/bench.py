"""`fraudstream bench`: runs parts, each in a process of its own, shows tables, and writes JSON and charts into a folder."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from consumer.bench.chart import draw_result, draw_summary
from consumer.bench.errors import BenchRefused
from consumer.bench.machine import Machine, pace_ms, this_machine
from consumer.bench.parts import PARTS, PROFILE, Part, find_parts
from consumer.bench.report import decode, document, encode, fitting_table, lines_below, panel_in
from consumer.bench.result import Result
from consumer.bench.terms import Scale, Terms

COMBINED, SUMMARY = "bench.json", "summary.svg"
_WIDEST = 250
"""Of what goes into a pipe or a file: there, lines wrapped at 80 columns serve nobody."""
_CLEAN_UP_S = 60.0
_FAILED = 1


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """Which parts to run, and how; `is_profile` asks where the part's time goes instead of how long it takes."""

    names: tuple[str, ...]
    scale: Scale
    out: Path
    seed: int
    is_profile: bool = False


def run_bench(plan: BenchPlan) -> int:
    """List the parts if none is named, else run them. Returns 0, or 1 if one of several failed; raises BenchRefused."""
    if plan.is_profile and plan.names != ("pipe",):
        raise BenchRefused("only the worker can be profiled", "say `fraudstream bench pipe --profile`")
    parts = find_parts(plan.names)
    if not parts:
        _list_parts()
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    plan.out.mkdir(parents=True, exist_ok=True)
    if len(parts) > 1:
        return _run_each(plan, parts)
    _run(plan, PROFILE if plan.is_profile else parts[0])
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does: nothing that a part has started may outlive it. Only another Ctrl-C disturbs the end itself."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _list_parts() -> None:
    print("parts of the benchmark; `fraudstream bench NAME...` runs some, `fraudstream bench all` every one:")
    for part in PARTS.values():
        print(f"  {part.name:<12} {part.about}")
    print("scales: smoke (seconds, says nothing of speed), short (minutes, the default), full (for publishing)")


def _run_each(plan: BenchPlan, parts: Sequence[Part]) -> int:
    """Run each part in a process of its own: what one leaves behind must not burden the next."""
    failed = [part.name for part in parts if _run_apart(plan, part)]
    if failed:
        print(f"fraudstream: these parts failed: {', '.join(failed)}; what they said stands above", file=sys.stderr)
    return _FAILED if failed else 0


def _run_apart(plan: BenchPlan, part: Part) -> int:
    options = ("--scale", plan.scale, "--out", str(plan.out), "--seed", str(plan.seed))
    process = subprocess.Popen([sys.executable, "-m", "consumer.cli", "bench", part.name, *options])
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()  # a Ctrl-C it has had too, a kill of us alone it has not; either way it stops what it started
        process.wait(_CLEAN_UP_S)
        raise


def _run(plan: BenchPlan, part: Part) -> None:
    machine, began, measure = this_machine(), datetime.now(UTC), part.load()
    say = _teller(part.name)
    if machine.is_busy:
        say(f"other programs are at work (load average {machine.load_average}): the figures will be noisy")
    scratch = plan.out / f"{part.name}.scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    result = measure(Terms(plan.scale, scratch.resolve(), plan.seed, say))
    machine = machine._replace(pace_ms=(*machine.pace_ms, pace_ms()))
    shutil.rmtree(scratch, ignore_errors=True)  # kept if it failed: logs lie there
    _show(result, plan.scale, machine)
    written = _write(plan.out, result, document(result, plan.scale, machine, began), say)
    print(f"wrote {', '.join(map(str, written))}", file=sys.stderr)


def _teller(name: str) -> Callable[[str], None]:
    start_s = time.monotonic()

    def say(line: str) -> None:
        print(f"{name} {time.monotonic() - start_s:5.0f} s  {line}", file=sys.stderr, flush=True)

    return say


def _show(result: Result, scale: Scale, machine: Machine) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDEST, highlight=False)
    console.print(fitting_table(result, console))
    print("\n".join(lines_below(result)))
    console.print(
        f"scale {scale}, {machine.cores} cores of {machine.cpu}, Python {machine.python}, {machine.system}",
        markup=False,
    )
    paces = " and ".join(f"{pace:.1f}" for pace in machine.pace_ms)
    print(f"pace: a fixed piece of work took {paces} ms before and after; other runs compare by it")
    if scale == "smoke":
        print("smoke: shows that the part runs; its figures say nothing of speed")


def _write(out: Path, result: Result, made: dict[str, Any], say: Callable[[str], None]) -> list[Path]:
    written = [out / f"{result.part}.json"]
    written[0].write_bytes(encode(made))
    try:
        written += _write_text(out / f"{result.part}.svg", draw_result(result))
        if result.part in PARTS:
            written += _write_combined(out, made["scale"])
    except BenchRefused as error:
        say(f"something is missing: {error}")
    return written


def _write_combined(out: Path, scale: Scale) -> list[Path]:
    """Put together what the parts have left in the folder at this scale, also in earlier runs; each says when and on what."""
    files = [out / f"{name}.json" for name in PARTS]
    documents = [decode(str(file), file.read_bytes()) for file in files if file.exists()]
    documents = [each for each in documents if each["scale"] == scale]
    (out / COMBINED).write_bytes(encode({"parts": {each["part"]: each for each in documents}}))
    panels = [panel for each in documents if (panel := panel_in(each))]
    return [out / COMBINED, *_write_text(out / SUMMARY, draw_summary(panels))]


def _write_text(file: Path, text: str | None) -> list[Path]:
    if text is None:
        return []
    file.write_text(text)
    return [file]
