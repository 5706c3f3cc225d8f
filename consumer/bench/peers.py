"""Part `peers`: the same events, from the pipe to PostgreSQL, by what others would write and by our worker, interleaved.

The contestants' programs live in tests/bench/peers, each with a comment on what its user would write and what it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from consumer.bench.errors import BenchRefused
from consumer.bench.feed import lines, wire_records
from consumer.bench.interleave import interleaved
from consumer.bench.peer_contestants import CONTESTANTS, Contestant, label
from consumer.bench.peer_database import PeerDatabases, peer_databases, rows_of
from consumer.bench.peer_invocations import invocations
from consumer.bench.peer_ratios import result_of
from consumer.bench.peer_run import Cost, Script, daemon_script, run
from consumer.bench.result import Result
from consumer.bench.terms import Terms

_ROOT = Path(__file__).parents[2]
_PROGRAMS = _ROOT / "tests" / "bench" / "peers"
_NEEDED = ("aws_lambda_powertools", "orjson", "sklearn")
_WARM_UP_SIZE = 100
_TABLE, _LEDGER = "scored_payment", "fraudstream.decision"


class Plan(NamedTuple):
    """How many records: `memory` for our memory of users, of which the last `warm_up` get everybody warm, then those measured."""

    memory: int
    warm_up: int
    measured: int
    rounds: int
    sizes: tuple[int, ...]


class Race(NamedTuple):
    """Where everybody runs."""

    plan: Plan
    folder: Path
    wire: Sequence[bytes]
    databases: PeerDatabases


def plan_of(terms: Terms) -> Plan:
    """Return the sizes for the scale; at `short` the part takes about three minutes."""
    return terms.pick(
        Plan(40, 20, 80, 1, (20,)),
        Plan(5_000, 1_000, 15_000, 2, (500,)),
        Plan(10_000, 1_000, 20_000, 5, (500, 10, 1_000)),
    )


def measure(terms: Terms) -> Result:
    """Run everybody, round by round. Raises BenchRefused outside of a checkout, ModuleNotFoundError without the extra `bench`."""
    require_peers(_PROGRAMS)
    plan = plan_of(terms)
    terms.say("simulating events")
    wire = wire_records(plan.memory + plan.measured, terms.seed)
    with peer_databases(terms.folder, (_PROGRAMS / "table.sql").read_text()) as databases:
        race = Race(plan, terms.folder, wire, databases)
        runs: dict[str, Callable[[], Cost]] = {
            label(one.label, size): partial(_run, race, one, size)
            for size in plan.sizes
            for one in CONTESTANTS
            if size == plan.sizes[0] or one.has_other_sizes
        }
        costs = interleaved(runs, plan.rounds, terms.seed, terms.say)
    settings = {name: str(value) for name, value in plan._asdict().items()}
    return result_of({**settings, "seed": terms.seed}, plan.sizes, costs)


def require_peers(programs: Path) -> None:
    """Raise BenchRefused where a program is not in the folder `programs`, ModuleNotFoundError where a package is not installed."""
    if missing := [one.program for one in CONTESTANTS if not (programs / one.program).is_file()]:
        raise BenchRefused(
            f"the peers are not here ({programs / missing[0]} is missing)",
            "they come with the repository: run this from a checkout, set up by `make setup-dev`",
        )
    for name in _NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _run(race: Race, contestant: Contestant, size: int) -> Cost:
    script = _script(race, contestant, size)
    command = [str(_PROGRAMS / contestant.program), *contestant.arguments]
    with race.databases.fresh() as address:
        environment = {
            "DATABASE_URL": address,
            "PYTHONPATH": str(_ROOT),
            "FRAUDSTREAM_STATE_DIR": str(race.folder / "state"),
        }
        cost = run(command, script, environment, race.folder / "contestant.log", race.databases.cpu_s)
        wanted = script.records + (race.plan.memory if contestant.is_ours else race.plan.warm_up)
        found = rows_of(address, _LEDGER if contestant.is_ours else _TABLE)
    if found != wanted:
        raise BenchRefused(
            f"{contestant.label}: {found} of {wanted} records were written", f"see {race.folder}/contestant.log"
        )
    return cost


def _script(race: Race, contestant: Contestant, size: int) -> Script:
    plan = race.plan
    count = max(size, int(plan.measured * contestant.share) // size * size)
    before = plan.memory if contestant.is_ours else plan.warm_up
    warm_up, measured = race.wire[plan.memory - before : plan.memory], race.wire[plan.memory : plan.memory + count]
    cut = invocations if contestant.is_function else lines
    parts = (list(cut(warm_up, _WARM_UP_SIZE)), list(cut(measured, size)), len(measured))
    return Script(*parts) if contestant.is_function else daemon_script(*parts)
