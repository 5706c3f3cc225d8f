"""The parts of the benchmark by name. A part is imported when it is run, so that listing them costs nothing."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple, cast

from consumer.bench.errors import INSTALL, BenchRefused
from consumer.bench.result import Result
from consumer.bench.terms import Terms

ALL = "all"


class Part(NamedTuple):
    """A part: what it is called, what it tells, and the module whose `measure(terms)` does it."""

    name: str
    about: str
    module: str

    def load(self) -> Callable[[Terms], Result]:
        """Import the part. Raises BenchRefused where it needs a package that is not installed."""
        try:
            return cast("Callable[[Terms], Result]", import_module(self.module).measure)
        except ModuleNotFoundError as error:
            raise BenchRefused(f"the part {self.name!r} cannot be run without {error.name}", INSTALL) from error


PARTS = {
    part.name: part
    for part in (
        Part("stages", "microseconds per record of each stage, alone, by batch size", "consumer.bench.stages"),
        Part("pipe", "a real worker process through its pipes, sinks in memory", "consumer.bench.pipe"),
        Part(
            "end-to-end",
            "the whole system on this machine: highest rate with a bounded lag",
            "consumer.bench.end_to_end",
        ),
        Part("latency", "put to alert, hop by hop, at fixed rates (open loop)", "consumer.bench.latency"),
        Part("gateway", "POST /api/v1/classify at a fixed rate (open loop), to the decision", "consumer.bench.gateway"),
        Part("publisher", "publishing with and without aggregation, interleaved", "consumer.bench.publishing"),
        Part("peers", "the same work done by what others would use, interleaved", "consumer.bench.peers"),
        Part("memory", "memory of one container by its number of shards", "consumer.bench.memory"),
        Part("recovery", "from a kill to the first new commit; cold and warm starts", "consumer.bench.recovery"),
    )
}
"""Name to part, in the order in which they run."""

PROFILE = Part("pipe-profile", "where the worker of `pipe` spends its time, by function", "consumer.bench.pipe_profile")
"""What `--profile` runs instead of `pipe`: a profile slows down what it looks at, so it is no part by itself."""


def find_parts(names: Sequence[str]) -> tuple[Part, ...]:
    """Return the parts of these names, each once, in the order given; `all` stands for all of them. Raises BenchRefused."""
    if unknown := [name for name in names if name not in {*PARTS, ALL}]:
        raise BenchRefused(f"there is no part {unknown[0]!r}", f"choose among {', '.join(PARTS)}, or {ALL}")
    given = (each for name in names for each in (PARTS if name == ALL else (name,)))
    return tuple(PARTS[name] for name in dict.fromkeys(given))
