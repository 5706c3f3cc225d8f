"""Which mutants a run makes, and all of them at once, two a processor; each test waits for its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import pytest

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutant import Outcome, copy_source, run_mutant, run_tests, run_unbroken
from tests.mutations.mutation import Mutation

CHOSEN = os.environ.get("FRAUDSTREAM_MUTATIONS", "20")
"""How many mutants, or `all`. They are drawn by the seed that pytest-randomly prints, so that other runs draw others."""


@dataclass(frozen=True)
class Runs:
    """What was started, by mutation, and the run of all their tests on the source as it is."""

    unbroken: Future[Outcome]
    mutants: dict[Mutation, Future[Outcome]]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Draw from the catalogue, unless the command line has chosen already."""
    mutants = [item for item in items if _mutation_of(item) is not None]
    if CHOSEN == "all" or len(mutants) < len(MUTATIONS):
        return
    drawn = Random(f"{config.getoption('randomly_seed', None)}").sample(mutants, int(CHOSEN))
    left_out = [item for item in mutants if item not in drawn]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The mutants of the tests that were chosen, and no others."""
    source = tmp_path_factory.mktemp("mutations") / "source"
    copy_source(source)
    chosen = [mutation for item in request.session.items if (mutation := _mutation_of(item)) is not None]
    tests = sorted({mutation.test for mutation in chosen or MUTATIONS})
    run_tests(source, tests, "--collect-only")  # compiles what all of them import
    with ThreadPoolExecutor(2 * len(os.sched_getaffinity(0))) as pool:  # half of them wait for something
        unbroken = pool.submit(run_unbroken, source, tests)
        yield Runs(unbroken, {mutation: pool.submit(run_mutant, source, mutation) for mutation in chosen})
        pool.shutdown(cancel_futures=True)


def _mutation_of(item: pytest.Item) -> Mutation | None:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    mutation = parameters.get("mutation")
    return mutation if isinstance(mutation, Mutation) else None
