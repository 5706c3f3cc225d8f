"""`fraudstream bench pipe --profile`: the functions that the worker's time is made of, by Python's own profiler in the worker."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from consumer.bench.feed import lines, wire_records
from consumer.bench.pipe import WARM_UP_SIZE, require_all
from consumer.bench.result import Column, Result, Row
from consumer.bench.terms import Terms
from consumer.bench.worker import Body, a_worker, instant_pipeline
from consumer.scoring.bundle import DEFAULT_BUNDLE, load_bundle
from consumer.scoring.scorer import Scorer

_TOP = 45
_ROOMS = {"consumer", "sinks", "schemas"}


class _Function(NamedTuple):
    """What the profiler says of one function: calls, seconds of its own, seconds with what it calls."""

    label: str
    calls: int
    own_s: float
    whole_s: float


def measure(terms: Terms) -> Result:
    """Profile one worker over all of its records, those that warm it up included."""
    number = terms.pick(1_000, 60_000, 200_000)
    terms.say("simulating events")
    records, scorer = wire_records(number, terms.seed), Scorer(load_bundle(DEFAULT_BUNDLE))
    log, stats = terms.folder / "worker.log", terms.folder / "worker.profile"
    terms.say(f"profiling a worker, {number} records in batches of {WARM_UP_SIZE}")
    with a_worker(instant_pipeline(scorer), log, partial(_profiled, stats)) as worker:
        for line in lines(records, WARM_UP_SIZE):
            worker.dialogue.say(line)
            worker.hear_beats()
    require_all(log, number)
    functions = list(_functions(stats))
    return _result(terms, number, scorer, functions)


def _profiled(stats: Path, body: Body) -> int:
    profile = cProfile.Profile()
    code = profile.runcall(body)
    profile.dump_stats(stats)
    return code


def _functions(stats: Path) -> Iterator[_Function]:
    """Yield the functions, those first that take most time of their own."""
    table: dict[tuple[str, int, str], tuple[Any, ...]] = pstats.Stats(str(stats)).stats  # type: ignore[attr-defined]
    found = [_Function(_label(*place), each[1], each[2], each[3]) for place, each in table.items()]
    return iter(sorted(found, key=lambda each: -each.own_s))


def _label(file: str, line: int, name: str) -> str:
    """Return a function's name as a reader of this code would look for it."""
    if file == "~":
        return name.strip("<>")
    parts = Path(file).parts
    room = next((place for place, part in enumerate(parts) if part in _ROOMS), -2)
    return f"{'/'.join(parts[room:])}:{line} {name}"


_COLUMNS = (
    Column("share", "%"),
    Column("own", "µs per record", 2),
    Column("with callees", "µs per record", 2, is_drawn=False),
    Column("calls", "per record", 3, is_drawn=False),
)


def _result(terms: Terms, number: int, scorer: Scorer, functions: list[_Function]) -> Result:
    total_s = sum(each.own_s for each in functions)
    rows = {each.label: _row(each, total_s, number) for each in reversed(functions[:_TOP])}
    return Result(
        part="pipe-profile",
        title=f"Functions that take most of a worker's time, the first {_TOP}",
        columns=_COLUMNS,
        rows=tuple(reversed(rows.values())),
        settings={
            "records": number,
            "batch": WARM_UP_SIZE,
            "model": scorer.model_version,
            "profiled in all": f"{1e6 * total_s / number:.1f} µs per record",
            "seed": terms.seed,
        },
        notes=(
            "The profiler makes every call slower, small functions most: read the shares, and take sums from `bench pipe`.",
            "Waiting for the pipe (select, read) is on the clock, not on the CPU.",
        ),
    )


def _row(function: _Function, total_s: float, number: int) -> Row:
    own, whole = 1e6 * function.own_s / number, 1e6 * function.whole_s / number
    share = 100 * function.own_s / total_s
    return Row(function.label, {"share": share, "own": own, "with callees": whole, "calls": function.calls / number})
