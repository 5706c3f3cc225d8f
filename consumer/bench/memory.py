"""The memory of one container under load, by its number of shards and by kind of process, and whether it stays flat for half an hour."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from consumer.bench.deployment import System, a_system
from consumer.bench.line import Line, fit
from consumer.bench.load import CUSTOMERS, LoadFiles
from consumer.bench.result import Column, Panel, Result, Row, Target
from consumer.bench.sampling import Memory, memory_by_kind
from consumer.bench.steady import steady_load
from consumer.bench.terms import Terms

_KINDS = ("java", "workers", "other")
_RATE = 2_000
_MIB = 2**20
_LIMIT_MIB, _LIMIT_SHARDS = 1024, 32
_WARM_SHARE = 0.25
"""Of a soak: caches fill, Java takes its heap. The line is drawn through what follows."""
_FLAT = 0.05
_KEPT_S = 120


class _Plan(NamedTuple):
    shards: tuple[int, ...]
    seconds: float
    look_every_s: float
    soak_s: float
    soak_shards: int


class _Look(NamedTuple):
    at_s: float
    by_kind: dict[str, Memory]

    @property
    def total(self) -> Memory:
        return sum((self.by_kind[kind] for kind in _KINDS), Memory(0, 0))


_SMOKE = _Plan((1,), 3, 1, 0, 0)
_SHORT = _Plan((1, 32), 30, 2, 0, 0)
_FULL = _Plan((1, 8, 32), 120, 5, 1_800, 8)


def measure(terms: Terms) -> Result:
    """Look at the container while it works; the row is the moment of most memory (PSS)."""
    plan = terms.pick(_SMOKE, _SHORT, _FULL)
    peaks = {shards: max(_watch(terms, plan, shards, plan.seconds), key=_pss) for shards in plan.shards}
    soak = _watch(terms, plan, plan.soak_shards, plan.soak_s) if plan.soak_s else []
    rows = [_row(f"{shards} shard{'s' if shards > 1 else ''}", look) for shards, look in peaks.items()]
    soaked = [_row(f"soak, {look.at_s / 60:.0f} min", look) for look in _every(soak, plan.soak_s / 6)]
    return Result(
        "memory",
        f"Memory of one container under {_RATE:,} events/s: one Java, a worker a shard, host, housekeeping and launchers",
        _COLUMNS,
        (*rows, *soaked),
        {"rate": _RATE, "seconds": plan.seconds, "soak_s": plan.soak_s, "customers": CUSTOMERS, "seed": terms.seed},
        _NOTES,
        (*_limits(peaks), *_flatness(soak)),
        Panel("one container", "MiB", tuple((f"{n} shards", _mib(look.total.pss)) for n, look in peaks.items())),
    )


_COLUMNS = (
    *(Column(f"{kind} {what}", "MiB", 0, is_drawn=what == "PSS") for kind in _KINDS for what in ("RSS", "PSS")),
    Column("all RSS", "MiB", 0, is_drawn=False),
    Column("all PSS", "MiB", 0),
)
_NOTES = (
    "PSS divides each shared page by its users, so that the sum is what the container takes; RSS counts it in every process.",
    "Emulator and load generator share library pages with the container here: alone it would take some tens of MiB more.",
)


def _watch(terms: Terms, plan: _Plan, shards: int, seconds: float) -> list[_Look]:
    folder = terms.folder / f"memory-{shards}-{seconds:.0f}"
    folder.mkdir(parents=True, exist_ok=True)
    load = LoadFiles(folder, terms.seed, datetime.now(UTC))
    with a_system(folder, load, shards) as system:
        terms.say(f"{shards} shard(s): started in {system.start():.1f} s, {_RATE:,}/s for {seconds:.0f} s")
        looks = _looks_under_load(terms, system, plan.look_every_s, seconds)
        system.drain()
    terms.say(f"  {_mib(max(map(_pss, looks))):,.0f} MiB PSS at most")
    return looks


def _looks_under_load(terms: Terms, system: System, every_s: float, seconds: float) -> list[_Look]:
    start_s, looks, minute = time.monotonic(), list[_Look](), 0
    with steady_load(system.loader, _RATE):
        while (at_s := time.monotonic() - start_s) < seconds:
            looks.append(_Look(at_s, memory_by_kind(system.members())))
            if at_s // 60 > minute:
                minute += 1
                terms.say(
                    f"  minute {minute}: {_mib(_pss(looks[-1])):,.0f} MiB PSS, {system.loader.sent - system.progress().records:,} waiting"
                )
                _forget(system)
            time.sleep(every_s)
    return looks


def _forget(system: System) -> None:
    """Let the stream forget what is old: it is in the emulator's memory."""
    before = datetime.now(UTC) - timedelta(seconds=_KEPT_S)
    system.environment.faults.trim(system.deployment.resources.stream_name, int(before.timestamp() * 1000))


def _row(label: str, look: _Look) -> Row:
    cells = {}
    for kind in _KINDS:
        cells[f"{kind} RSS"], cells[f"{kind} PSS"] = _mib(look.by_kind[kind].rss), _mib(look.by_kind[kind].pss)
    return Row(label, {**cells, "all RSS": _mib(look.total.rss), "all PSS": _mib(look.total.pss)})


def _every(looks: list[_Look], seconds: float) -> list[_Look]:
    """Return the first look of each stretch of so many seconds, and the last one."""
    firsts: dict[int, _Look] = {}
    for look in looks:
        firsts.setdefault(int(look.at_s // seconds), look)
    return [*firsts.values(), *looks[-1:]]


def _limits(peaks: dict[int, _Look]) -> list[Target]:
    if _LIMIT_SHARDS not in peaks:
        return []
    reached = _mib(peaks[_LIMIT_SHARDS].total.pss)
    return [
        Target(
            "32 shards in one container, under load",
            f"≤ {_LIMIT_MIB} MiB",
            f"{reached:,.0f} MiB",
            reached <= _LIMIT_MIB,
        )
    ]


def _flatness(soak: list[_Look]) -> list[Target]:
    """A soak is flat where the line through it, after the warm-up, rises by less than 5 % of the mean from end to end."""
    warm = [look for look in soak if look.at_s > soak[-1].at_s * _WARM_SHARE]
    if not warm:
        return []
    line: Line = fit([(look.at_s, _mib(_pss(look))) for look in warm])
    rise = line.slope * (warm[-1].at_s - warm[0].at_s)
    reached = f"{line.slope * 3600:+.1f} MiB an hour at {line.mean:,.0f} MiB"
    return [Target("soak under load: memory stays flat", f"rise ≤ {_FLAT:.0%}", reached, rise <= _FLAT * line.mean)]


def _pss(look: _Look) -> int:
    return look.total.pss


def _mib(size: float) -> float:
    return size / _MIB
